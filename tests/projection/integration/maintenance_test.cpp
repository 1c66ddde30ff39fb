// SPDX-License-Identifier: Apache-2.0
#include "projection/integration/projection_fixture.hpp"

#include <tradecore/projection/maintenance.hpp>

namespace tradecore::projection::test {

namespace {

class maintenance : public projection_test {
protected:
    [[nodiscard]] std::string content() const
    {
        return value("SELECT string_agg(chain::text, ' ' ORDER BY stream) FROM chain");
    }
};

asio::awaitable<void> fill(events::event_store& store)
{
    for (int i = 0; i < 30; ++i) {
        co_await append(store, "s" + std::to_string(i % 7), {"Sync", "Ignored", "Later"});
    }
}

TEST_F(maintenance, a_rebuild_gives_the_same)
{
    in_world([&](world here) -> asio::awaitable<void> {
        co_await fill(here.store);
        {
            engine chain(here.store, here.read, here.chain);
            (void)co_await chain.project_sync("s3");
            co_await chain.catch_up();
        }
        const auto before = content();
        scratch().run("TRUNCATE chain");
        const auto done = co_await rebuild(here.store, here.read, here.chain);
        EXPECT_EQ(done.applied, 60U);
        EXPECT_EQ(done.skipped, 0U);
        EXPECT_EQ(content(), before);
    });
}

TEST_F(maintenance, a_rebuild_takes_the_epoch_of_the_store_and_settles_dead_letters)
{
    in_world([&](world here) -> asio::awaitable<void> {
        co_await append(here.store, "a", {"Sync"});
        auto how = quick_options();
        how.max_attempts = 1;
        here.chain.before = [&](database& read, const events::recorded_event&) -> asio::awaitable<void> {
            co_await read.execute("SELECT 1 / 0");
        };
        {
            engine chain(here.store, here.read, here.chain, how);
            co_await chain.catch_up();
        }
        EXPECT_EQ(stream_row("a"), "dead 0 2");
        scratch().run("UPDATE es.store SET epoch = gen_random_uuid()");
        here.chain.before = nullptr;
        (void)co_await rebuild(here.store, here.read, here.chain);
        EXPECT_EQ(value("SELECT epoch = (SELECT epoch FROM es.store) FROM proj.checkpoint"), "t");
        EXPECT_EQ(value("SELECT resolution FROM proj.dead_letter"), "rebuilt");
        EXPECT_EQ(stream_row("a"), "ok 1 0");
    });
}

TEST_F(maintenance, delivering_everything_again_changes_nothing)
{
    in_world([&](world here) -> asio::awaitable<void> {
        co_await fill(here.store);
        {
            engine chain(here.store, here.read, here.chain);
            co_await chain.catch_up();
        }
        const auto before = content();
        const auto done = co_await redeliver(here.store, here.read, here.chain);
        EXPECT_EQ(done.applied, 0U);
        EXPECT_EQ(done.skipped, 60U);
        EXPECT_EQ(content(), before);
        EXPECT_EQ(value("SELECT position = (SELECT max(position) FROM es.events) FROM proj.checkpoint"), "t");
    });
}

TEST_F(maintenance, delivering_everything_again_shows_what_had_been_missing)
{
    in_world([&](world here) -> asio::awaitable<void> {
        co_await fill(here.store);
        {
            engine chain(here.store, here.read, here.chain);
            co_await chain.catch_up();
        }
        scratch().run("UPDATE proj.stream SET applied_version = applied_version - 2 WHERE stream = 's1'");
        const auto done = co_await redeliver(here.store, here.read, here.chain);
        EXPECT_EQ(done.applied, 1U);
    });
}

} // namespace

} // namespace tradecore::projection::test
