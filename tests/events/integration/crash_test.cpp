// SPDX-License-Identifier: Apache-2.0
#include "events/integration/other_session.hpp"
#include "events/integration/store_fixture.hpp"
#include "support/test_server.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <signal.h>
#include <stdexcept>
#include <vector>

namespace tradecore::events::test {
namespace {

using namespace std::chrono_literals;

// Asks again while the server recovers and the pool replaces its connections.
asio::awaitable<std::vector<recorded_event>> next_when_possible(log_reader& reader)
{
    asio::steady_timer pause(co_await asio::this_coro::executor);
    for (int left = 500;; --left) {
        try {
            co_return co_await reader.next(100);
        }
        catch (const pg::error&) {
            if (left == 0) {
                throw;
            }
        }
        pause.expires_after(20ms);
        co_await pause.async_wait(asio::use_awaitable);
    }
}

// The server says so itself: the statistics begin anew with the recovery.
std::string statistics_since(const std::string& dsn)
{
    try {
        return tradecore::test::run_sql(dsn, "SELECT pg_stat_get_bgwriter_stat_reset_time()");
    }
    catch (const std::runtime_error&) {
        return {};
    }
}

// A crash takes back positions that were drawn and never flushed; a fence from before it must not count.
TEST(LogAcrossACrash, LosesNothingThatIsDrawnAgain)
{
    tradecore::test::test_server server;
    tradecore::test::run_sql(server.dsn(), event_store_sql());
    tradecore::test::run([&]() -> asio::awaitable<void> {
        database_options options;
        options.connect = pg::connect_options::parse(server.dsn());
        options.pool = {.minimum = 0, .maximum = 1, .connect_backoff = 10ms};
        database db(co_await asio::this_coro::executor, options);
        co_await db.open();
        postgres_store store(db);
        std::vector<std::int64_t> delivered;
        const auto take = [&](const std::vector<recorded_event>& events) {
            for (const auto& each : events) {
                delivered.push_back(each.position);
            }
        };

        co_await store.append(one("a", expected_version::any(), {event("E")}));
        other_session lost(server.dsn());
        lost.run("BEGIN");
        lost.append("lost");
        co_await store.append(one("b", expected_version::any(), {event("E")}));
        lost.append("lost", 100);
        const auto reader = store.open_log(0);
        take(co_await reader->next(100));
        take(co_await reader->next(100));
        EXPECT_EQ(delivered, std::vector<std::int64_t>{1}) << "the fence is up, at 103";

        // One backend killed: the postmaster stops all of them and recovers.
        const auto before = statistics_since(server.dsn());
        ::kill(lost.backend(), SIGKILL);
        EXPECT_THROW(lost.run("COMMIT"), std::runtime_error);
        asio::steady_timer pause(co_await asio::this_coro::executor);
        for (auto now = before; now.empty() || now == before; now = statistics_since(server.dsn())) {
            pause.expires_after(20ms);
            co_await pause.async_wait(asio::use_awaitable);
        }
        take(co_await next_when_possible(*reader));
        EXPECT_EQ(delivered, (std::vector<std::int64_t>{1, 3}));

        other_session late(server.dsn());
        late.run("BEGIN");
        late.append("late");
        co_await store.append(one("c", expected_version::any(), {event("E")}));
        take(co_await reader->next(100));
        EXPECT_EQ(delivered.size(), 2U) << "held back by an append that is under way";
        late.run("COMMIT");
        for (int i = 0; i < 3; ++i) {
            take(co_await reader->next(100));
        }
        const auto committed = co_await db.fetch<std::int64_t>("SELECT position FROM es.events ORDER BY position");
        EXPECT_EQ(delivered, committed);
        EXPECT_EQ(committed.size(), 4U);
        co_await db.close();
    });
}

} // namespace
} // namespace tradecore::events::test
