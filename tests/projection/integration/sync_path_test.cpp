// SPDX-License-Identifier: Apache-2.0
#include "projection/integration/projection_fixture.hpp"
#include "support/network_gate.hpp"

#include <tradecore/observe/capture.hpp>

#include <stdexcept>

namespace tradecore::projection::test {

namespace {

class sync_path : public projection_test {};

TEST_F(sync_path, brings_the_stream_up_to_its_head_async_types_too)
{
    in_world([&](world here) -> asio::awaitable<void> {
        engine chain(here.store, here.read, here.chain, quick_options());
        co_await append(here.store, "a", {"Sync", "Later", "Ignored"});
        co_await append(here.store, "b", {"Sync"});
        const auto outcome = co_await chain.project_sync("a");
        EXPECT_TRUE(outcome.done()) << outcome.reason;
        EXPECT_EQ(value("SELECT string_agg(stream || events, ' ') FROM chain"), "a2");
        EXPECT_EQ(stream_row("a"), "ok 3 0");
        // What is there is not applied again, neither by another call nor by a worker.
        const auto again = co_await chain.project_sync("a");
        EXPECT_TRUE(again.done());
        co_await chain.catch_up();
        EXPECT_EQ(here.chain.calls, 3);
        EXPECT_EQ(value("SELECT string_agg(stream || events, ' ' ORDER BY stream) FROM chain"), "a2 b1");
        EXPECT_EQ(chain.stats().skipped, 2U);
    });
}

TEST_F(sync_path, reads_streams_longer_than_a_page)
{
    in_world([&](world here) -> asio::awaitable<void> {
        engine chain(here.store, here.read, here.chain);
        for (int i = 0; i < 3; ++i) {
            co_await append(here.store, "long", std::vector<std::string>(250, "Sync"));
        }
        const auto outcome = co_await chain.project_sync("long", engine::clock::now() + seconds{60});
        EXPECT_TRUE(outcome.done()) << outcome.reason;
        EXPECT_EQ(wrong_streams(), "0");
    });
}

TEST_F(sync_path, over_the_limit_rolls_back_parks_and_leaves_the_rest_to_the_retry)
{
    in_world([&](world here) -> asio::awaitable<void> {
        auto how = quick_options();
        how.sync_budget = seconds{1};
        how.park_budget = seconds{10};
        engine chain(here.store, here.read, here.chain, how);
        bool slow = true;
        here.chain.before = [&](database& read, const events::recorded_event& event) -> asio::awaitable<void> {
            if (slow && event.version == 2) {
                co_await read.execute("SELECT pg_sleep(600)");
            }
        };
        co_await append(here.store, "a", {"Sync", "Sync"});
        const auto outcome = co_await chain.project_sync("a");
        EXPECT_FALSE(outcome.done());
        EXPECT_EQ(outcome.cause, pending_cause::time_limit) << outcome.reason;
        EXPECT_EQ(value("SELECT count(*) FROM chain"), "0");
        EXPECT_EQ(stream_row("a"), "parked 0 1");
        // Nobody sleeps on in the server.
        while (value("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND state = 'active' "
                     "AND datname = current_database() AND pid <> pg_backend_pid()") != "0") {
        }

        slow = false;
        const auto calls = here.chain.calls;
        const auto later = co_await chain.project_sync("a");
        EXPECT_EQ(later.cause, pending_cause::parked_before);
        EXPECT_EQ(here.chain.calls, calls);

        co_await append(here.store, "a", {"Later"});
        co_await chain.catch_up();
        EXPECT_EQ(wrong_streams(), "0");
        EXPECT_EQ(stream_row("a"), "ok 3 0");
        EXPECT_EQ(chain.stats().retried, 1U);
        const auto now = co_await chain.project_sync("a");
        EXPECT_TRUE(now.done());
        EXPECT_EQ(chain.stats().sync_done, 1U);
        EXPECT_EQ(chain.stats().sync_pending, 2U);
    });
}

TEST_F(sync_path, the_limit_counts_over_many_short_statements)
{
    in_world([&](world here) -> asio::awaitable<void> {
        auto how = quick_options();
        how.sync_budget = seconds{1};
        how.park_budget = seconds{10};
        engine chain(here.store, here.read, here.chain, how);
        bool slow = true;
        here.chain.before = [&](database& read, const events::recorded_event&) -> asio::awaitable<void> {
            while (slow) {
                co_await read.execute("SELECT pg_sleep(0.01)");
            }
        };
        co_await append(here.store, "a", {"Sync"});
        const auto outcome = co_await chain.project_sync("a");
        EXPECT_EQ(outcome.cause, pending_cause::time_limit) << outcome.reason;
        EXPECT_EQ(stream_row("a"), "parked 0 1");
        slow = false;
        co_await chain.catch_up();
        EXPECT_EQ(wrong_streams(), "0");
    });
}

TEST_F(sync_path, waiting_for_the_cursor_parks_nothing)
{
    in_world([&](world here) -> asio::awaitable<void> {
        engine chain(here.store, here.read, here.chain, quick_options());
        co_await append(here.store, "a", {"Sync"});
        const auto first = co_await chain.project_sync("a");
        EXPECT_TRUE(first.done()) << first.reason;
        co_await append(here.store, "a", {"Sync"});
        co_await here.other.transaction([&]() -> asio::awaitable<void> {
            co_await here.other.execute("SELECT FROM proj.stream WHERE stream = 'a' FOR UPDATE");
            const auto outcome = co_await chain.project_sync("a", engine::clock::now() + milliseconds{1'500});
            EXPECT_EQ(outcome.cause, pending_cause::busy) << outcome.reason;
        });
        EXPECT_EQ(stream_row("a"), "ok 1 0");
        EXPECT_EQ(chain.stats().parked, 0U);
        const auto later = co_await chain.project_sync("a");
        EXPECT_TRUE(later.done());
        EXPECT_EQ(wrong_streams(), "0");
    });
}

TEST_F(sync_path, a_failing_projector_is_rolled_back_and_tried_again)
{
    in_world([&](world here) -> asio::awaitable<void> {
        engine chain(here.store, here.read, here.chain, quick_options());
        bool broken = true;
        here.chain.before = [&](database&, const events::recorded_event& event) -> asio::awaitable<void> {
            if (broken && event.version == 2) {
                throw std::runtime_error("no such account");
            }
            co_return;
        };
        co_await append(here.store, "a", {"Sync", "Later"});
        const auto outcome = co_await chain.project_sync("a");
        EXPECT_EQ(outcome.cause, pending_cause::failed);
        EXPECT_EQ(outcome.reason, "no such account");
        EXPECT_EQ(value("SELECT count(*) FROM chain"), "0");
        EXPECT_EQ(value("SELECT last_error FROM proj.stream"), "no such account");
        broken = false;
        co_await chain.catch_up();
        EXPECT_EQ(wrong_streams(), "0");
        EXPECT_EQ(stream_row("a"), "ok 2 0");
    });
}

TEST_F(sync_path, an_outage_parks_nothing)
{
    in_world([&](world here) -> asio::awaitable<void> {
        engine chain(here.store, here.read, here.chain, quick_options());
        bool broken = true;
        here.chain.before = [&](database& read, const events::recorded_event&) -> asio::awaitable<void> {
            if (std::exchange(broken, false)) {
                co_await read.execute("SELECT pg_terminate_backend(pg_backend_pid())");
            }
        };
        co_await append(here.store, "a", {"Sync"});
        const auto outcome = co_await chain.project_sync("a");
        EXPECT_EQ(outcome.cause, pending_cause::unavailable) << outcome.reason;
        EXPECT_EQ(stream_row("a"), "");
        const auto later = co_await chain.project_sync("a");
        EXPECT_TRUE(later.done()) << later.reason;
        EXPECT_EQ(wrong_streams(), "0");
    });
}

TEST_F(sync_path, keeps_no_caller_until_it_is_known_what_became_of_a_commit)
{
    const observe::capture quiet;
    in_world([&](world here) -> asio::awaitable<void> {
        tradecore::test::network_gate gate(co_await asio::this_coro::executor, scratch().dsn());
        auto wanted = options_of(scratch(), 2);
        wanted.connect = pg::connect_options::parse(gate.dsn());
        wanted.commit_resolution = std::chrono::hours{1};
        database far(co_await asio::this_coro::executor, wanted);
        co_await far.open();
        engine chain(here.store, far, here.chain, quick_options());
        co_await chain.prepare();
        co_await append(here.store, "a", {"Sync"});
        gate.when(tradecore::test::flow::to_client, "COMMIT", [&](tradecore::test::network_gate::link& on) {
            gate.refuse();
            on.end(tradecore::test::ending::reset);
        });
        const auto outcome = co_await chain.project_sync("a", engine::clock::now() + milliseconds{2'000});
        EXPECT_EQ(outcome.state, sync_outcome::status::pending);
        // It had taken effect.
        EXPECT_EQ(stream_row("a"), "ok 1 0");
        EXPECT_EQ(wrong_streams(), "0");
        co_await far.close();
    });
}

TEST_F(sync_path, is_refused_where_its_events_cannot_be_committed_yet)
{
    in_world([&](world here) -> asio::awaitable<void> {
        engine chain(here.store, here.read, here.chain);
        const auto error =
            co_await here.read.transaction([&] { return thrown_by<std::logic_error>(chain.project_sync("a")); });
        EXPECT_TRUE(error.has_value());
    });
}

TEST_F(sync_path, tells_how_long_the_caller_waited)
{
    in_world([&](world here) -> asio::awaitable<void> {
        std::vector<bool> told;
        options how;
        how.on_sync = [&](std::chrono::nanoseconds waited, const sync_outcome& outcome) {
            EXPECT_GT(waited.count(), 0);
            told.push_back(outcome.done());
        };
        engine chain(here.store, here.read, here.chain, how);
        co_await append(here.store, "a", {"Sync"});
        (void)co_await chain.project_sync("a");
        (void)co_await chain.project_sync("a", engine::clock::now() - seconds{1});
        EXPECT_EQ(told, (std::vector<bool>{true, false}));
    });
}

} // namespace

} // namespace tradecore::projection::test
