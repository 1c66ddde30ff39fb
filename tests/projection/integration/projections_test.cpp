// SPDX-License-Identifier: Apache-2.0
#include "projection/integration/projection_fixture.hpp"

#include <tradecore/observe/capture.hpp>
#include <tradecore/projection/handler_projector.hpp>
#include <tradecore/projection/projections.hpp>

#include <stdexcept>

namespace tradecore::projection::test {

namespace {

class registry : public projection_test {
protected:
    registry() { scratch().run("CREATE TABLE seen (projection text, stream text, version bigint)"); }

    static handler_projector::handler note(std::string name)
    {
        return [name](database& read, const events::recorded_event& event) -> asio::awaitable<void> {
            co_await read.execute("INSERT INTO seen VALUES ($1, $2, $3)", name, event.stream, event.version);
        };
    }
    [[nodiscard]] std::string seen() const
    {
        return value(
            "SELECT string_agg(concat(projection, ' ', stream, version), ', ' ORDER BY projection, stream, version) "
            "FROM seen");
    }
};

TEST_F(registry, waits_for_every_sync_projection_of_the_events_and_for_no_other)
{
    in_world([&](world here) -> asio::awaitable<void> {
        handler_projector users("users", 1);
        users.on("Sync", mode::sync, note("users")).on("Later", mode::async, note("users"));
        handler_projector names("names", 1);
        names.on("Sync", mode::sync, note("names"));
        handler_projector audit("audit", 1);
        audit.on("Sync", mode::async, note("audit")).on("Later", mode::async, note("audit"));
        int waited = 0;
        projections all({.on_sync = [&](std::chrono::nanoseconds, const sync_outcome&) { ++waited; }});
        for (auto* one : {&users, &names, &audit}) {
            all.add(here.store, here.read, *one);
        }
        EXPECT_TRUE(all.waits_for("Sync"));
        EXPECT_FALSE(all.waits_for("Later"));

        const auto later = co_await all.project_sync(co_await append(here.store, "b", {"Later"}));
        EXPECT_TRUE(later.done());
        EXPECT_EQ(seen(), "");
        const auto sync = co_await all.project_sync(co_await append(here.store, "a", {"Sync", "Later"}));
        EXPECT_TRUE(sync.done()) << sync.reason;
        EXPECT_EQ(seen(), "names a1, users a1, users a2");
        EXPECT_EQ(waited, 1);
        EXPECT_EQ(all.rate().appends_waited, 1U);
        EXPECT_EQ(all.rate().events, 3U);

        co_await all.catch_up();
        EXPECT_EQ(seen(), "audit a1, audit a2, audit b1, names a1, users a1, users a2, users b1");
        EXPECT_EQ(all.stats().applied, 7U);
        EXPECT_EQ(all.stats().sync_done, 2U);
    });
}

TEST_F(registry, runs_all_workers_until_it_is_stopped)
{
    in_world([&](world here) -> asio::awaitable<void> {
        handler_projector first("first", 1);
        first.on("Later", mode::async, note("first"));
        handler_projector second("second", 1);
        projections all;
        second.on("Later", mode::async, note("second"));
        all.add(here.store, here.read, first, quick_options());
        all.add(here.store, here.read, second, quick_options());
        co_await all.prepare();
        const auto stopper = [&]() -> asio::awaitable<void> {
            co_await append(here.store, "a", {"Later"});
            co_await all.catch_up();
            all.stop();
        };
        std::vector<asio::awaitable<void>> both;
        both.push_back(all.run());
        both.push_back(stopper());
        co_await when_all(std::move(both));
        EXPECT_EQ(seen(), "first a1, second a1");
    });
}

TEST_F(registry, ends_all_workers_with_the_error_of_one)
{
    const observe::capture quiet;
    in_world([&](world here) -> asio::awaitable<void> {
        handler_projector first("first", 1);
        handler_projector second("second", 1);
        projections all;
        all.add(here.store, here.read, first);
        all.add(here.store, here.read, second);
        co_await all.prepare();
        scratch().run("DELETE FROM proj.checkpoint WHERE projection = 'second'");
        const auto error = co_await thrown_by<projection_error>(all.run());
        EXPECT_TRUE(error && error->projection() == "second");
    });
}

TEST_F(registry, warns_once_when_too_many_appends_wait)
{
    const observe::capture log;
    in_world([&](world here) -> asio::awaitable<void> {
        handler_projector users("users", 1);
        users.on("Sync", mode::sync, note("users"));
        projections all({.warn_above = 0.3, .warn_after_events = 3});
        all.add(here.store, here.read, users);
        for (int i = 0; i < 5; ++i) {
            (void)co_await all.project_sync(co_await append(here.store, "a", {"Sync"}));
        }
        EXPECT_EQ(
            log.messages(observe::level::warn),
            (std::vector<std::string>{
                "[SYNC RATE] 100.0% of events made their caller wait for a projection (more than 30%)"}));
    });
}

TEST_F(registry, says_pending_when_one_projection_is)
{
    const observe::capture quiet;
    in_world([&](world here) -> asio::awaitable<void> {
        handler_projector good("good", 1);
        good.on("Sync", mode::sync, note("good"));
        handler_projector bad("bad", 1);
        bad.on("Sync", mode::sync, [](database&, const events::recorded_event&) -> asio::awaitable<void> {
            throw std::runtime_error("no");
            co_return;
        });
        projections all;
        all.add(here.store, here.read, good);
        all.add(here.store, here.read, bad);
        const auto outcome = co_await all.project_sync(co_await append(here.store, "a", {"Sync"}));
        EXPECT_EQ(outcome.cause, pending_cause::failed);
        EXPECT_EQ(seen(), "good a1");
    });
}

TEST_F(registry, refuses_a_projection_twice_and_options_that_make_no_sense)
{
    in_world([&](world here) -> asio::awaitable<void> {
        handler_projector users("users", 1);
        handler_projector next("users", 2);
        projections all;
        all.add(here.store, here.read, users);
        all.add(here.store, here.read, next);
        options elsewhere;
        elsewhere.source = "vb";
        all.add(here.store, here.read, users, elsewhere);
        EXPECT_THROW(all.add(here.store, here.read, users), std::invalid_argument);
        options none;
        none.max_batch = 1;
        EXPECT_THROW(all.add(here.store, here.read, users, none), std::invalid_argument);
        EXPECT_EQ(all.engines().size(), 3U);
        co_return;
    });
}

} // namespace

} // namespace tradecore::projection::test
