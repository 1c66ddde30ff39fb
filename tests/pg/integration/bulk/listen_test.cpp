// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"

#include <optional>
#include <string>

namespace {

using namespace tradecore;
using namespace tradecore::test;

asio::awaitable<std::int64_t> channels(connection_ptr of)
{
    return of->fetchval<std::int64_t>("SELECT count(*) FROM pg_listening_channels()");
}

TEST(listen, hears_what_others_notify)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto other = co_await connect();
        auto feed = co_await db->listen("Odd \"channel");
        co_await other->notify("Odd \"channel", "first ☃");
        co_await other->notify("another", "not for us");
        co_await other->notify("Odd \"channel");
        const auto first = co_await feed.next();
        EXPECT_EQ(first.channel, "Odd \"channel");
        EXPECT_EQ(first.payload, "first ☃");
        EXPECT_EQ(first.backend_pid, other->backend_pid());
        EXPECT_EQ(first.missed, 0U);
        EXPECT_EQ((co_await feed.next()).payload, "");
        EXPECT_FALSE(feed.try_next());
        EXPECT_EQ(feed.missed(), 0U);
    });
}

TEST(listen, waits_while_the_connection_does_other_things)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        auto feed = co_await db->listen("bulk_wait");
        std::optional<pg::notification> heard;
        auto hear = [](pg::listener& from, std::optional<pg::notification>& into) -> asio::awaitable<void> {
            into = co_await from.next();
        };
        beside waiting(co_await asio::this_coro::executor, hear(feed, heard));
        EXPECT_EQ(co_await db->fetchval<int>("SELECT 1"), 1);
        EXPECT_FALSE(heard);
        co_await db->notify("bulk_wait", "from myself");
        co_await waiting.join();
        EXPECT_EQ(heard->payload, "from myself");
    });
}

TEST(listen, shares_one_listen_among_listeners)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        {
            auto first = co_await db->listen("bulk_shared");
            {
                auto second = co_await db->listen("bulk_shared");
                co_await db->notify("bulk_shared", "both");
                EXPECT_EQ((co_await first.next()).payload, "both");
                EXPECT_EQ((co_await second.next()).payload, "both");
            }
            EXPECT_EQ(co_await channels(db), 1);
            co_await db->notify("bulk_shared", "one");
            EXPECT_EQ((co_await first.next()).payload, "one");
        }
        while (co_await channels(db) > 0) {
        }
        auto again = co_await db->listen("bulk_shared");
        EXPECT_EQ(co_await channels(db), 1);
    });
}

TEST(listen, drops_the_oldest_and_says_how_many)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        auto feed = co_await db->listen("bulk_overflow", {.queue = 3});
        for (int i = 0; i < 10; ++i)
            co_await db->notify("bulk_overflow", std::to_string(i));
        const auto first = co_await feed.next();
        EXPECT_EQ(first.payload, "7");
        EXPECT_EQ(first.missed, 7U);
        EXPECT_EQ(feed.missed(), 7U);
        const auto second = co_await feed.next();
        EXPECT_EQ(second.payload, "8");
        EXPECT_EQ(second.missed, 0U);
    });
}

TEST(listen, goes_on_after_a_wait_was_cancelled)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto executor = co_await asio::this_coro::executor;
        auto feed = co_await db->listen("bulk_cancel");
        beside waiting(executor, feed.next());
        co_await asio::post(executor, asio::use_awaitable);
        waiting.cancel();
        co_await message_of<boost::system::system_error>(waiting.join());
        co_await db->notify("bulk_cancel", "later");
        EXPECT_EQ((co_await feed.next()).payload, "later");
    });
}

TEST(listen, ends_with_the_connections_error)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto killer = co_await connect();
        auto feed = co_await db->listen("bulk_end");
        co_await db->notify("bulk_end", "before");
        co_await killer->execute("SELECT pg_terminate_backend($1)", db->backend_pid());
        co_await until([&] { return !db->is_open(); });
        EXPECT_EQ((co_await feed.next()).payload, "before");
        const auto message = co_await message_of<pg::error>(feed.next());
        EXPECT_NE(message.find("57P01"), std::string::npos) << message;
        co_await message_of<pg::connection_error>(db->listen("bulk_end"));
    });
}

/// @returns whether the server soon listens to nothing for this connection.
asio::awaitable<bool> falls_silent(connection_ptr of)
{
    for (int i = 0; i < 100; ++i) {
        if (co_await channels(of) == 0)
            co_return true;
    }
    co_return false;
}

TEST(listen, leaves_nothing_behind_when_it_is_cancelled)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto executor = co_await asio::this_coro::executor;
        // Behind what waits for a lock, so that it is sent and not answered.
        const auto blocker = co_await connect();
        co_await blocker->execute("SELECT pg_advisory_lock(hashtext('bulk_cancelled'))");
        beside waiting(executor, db->run_script({"SELECT pg_advisory_lock(hashtext('bulk_cancelled'))", nullptr}));
        co_await until([&] { return db->in_flight() == 1; });
        beside listening(executor, db->listen("bulk_cancelled"));
        co_await until([&] { return db->in_flight() == 2; });
        listening.cancel();
        co_await message_of<boost::system::system_error>(listening.join());
        co_await blocker->execute("SELECT pg_advisory_unlock(hashtext('bulk_cancelled'))");
        co_await waiting.join();
        EXPECT_TRUE(co_await falls_silent(db));
        auto feed = co_await db->listen("bulk_cancelled");
        co_await db->notify("bulk_cancelled", "heard");
        EXPECT_EQ((co_await feed.next()).payload, "heard");
    });
}

TEST(listen, leaves_nothing_behind_when_it_was_refused_in_a_transaction)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        for (const auto* end : {"COMMIT", "ROLLBACK"}) {
            co_await db->execute("BEGIN");
            co_await message_of<pg::argument_error>(db->listen("bulk_refused"));
            co_await db->execute(runtime_sql(end));
            EXPECT_TRUE(co_await falls_silent(db));
        }
        co_await db->execute("BEGIN");
        co_await message_of<pg::division_by_zero>(db->execute("SELECT 1 / 0"));
        co_await message_of<pg::in_failed_sql_transaction>(db->listen("bulk_refused"));
        co_await db->execute("ROLLBACK");
        EXPECT_EQ(co_await channels(db), 0);
        auto feed = co_await db->listen("bulk_refused");
        co_await db->notify("bulk_refused", "heard");
        EXPECT_EQ((co_await feed.next()).payload, "heard");
    });
}

TEST(listen, stops_in_the_end_when_its_last_listener_went_inside_a_transaction)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        for (const bool fails : {false, true}) {
            auto feed = std::make_unique<pg::listener>(co_await db->listen("bulk_undone"));
            co_await db->execute("BEGIN");
            if (fails)
                co_await message_of<pg::division_by_zero>(db->execute("SELECT 1 / 0"));
            feed.reset();
            if (!fails)
                EXPECT_EQ(co_await channels(db), 1);
            co_await db->execute("ROLLBACK");
            EXPECT_TRUE(co_await falls_silent(db));
        }
        // One who comes before that is heard, too.
        auto feed = std::make_unique<pg::listener>(co_await db->listen("bulk_undone"));
        co_await db->execute("BEGIN");
        feed.reset();
        auto again = co_await db->listen("bulk_undone");
        co_await db->execute("ROLLBACK");
        EXPECT_EQ(co_await channels(db), 1);
        co_await db->notify("bulk_undone", "heard");
        EXPECT_EQ((co_await again.next()).payload, "heard");
        // And one who comes when it is just being undone.
        again = pg::listener();
        again = co_await db->listen("bulk_undone");
        co_await db->notify("bulk_undone", "once more");
        EXPECT_EQ((co_await again.next()).payload, "once more");
    });
}

TEST(listen, ends_a_wait_with_the_listener_or_the_connection)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto killer = co_await connect();
        const auto executor = co_await asio::this_coro::executor;
        auto feed = std::make_unique<pg::listener>(co_await db->listen("bulk_wait_ends"));
        auto other = co_await db->listen("bulk_wait_ends");
        beside waiting(executor, feed->next());
        beside other_waiting(executor, other.next());
        co_await asio::post(executor, asio::use_awaitable);
        feed.reset();
        const auto given_up = co_await message_of<pg::connection_error>(waiting.join());
        EXPECT_NE(given_up.find("bulk_wait_ends"), std::string::npos) << given_up;
        EXPECT_FALSE(other_waiting.is_over());
        co_await killer->execute("SELECT pg_terminate_backend($1)", db->backend_pid());
        const auto lost = co_await message_of<pg::error>(other_waiting.join());
        EXPECT_NE(lost.find("57P01"), std::string::npos) << lost;
    });
}

TEST(listen, refuses_what_would_not_work)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await message_of<pg::argument_error>(db->listen(""));
        co_await message_of<pg::argument_error>(db->listen(std::string(64, 'x')));
        co_await db->execute("BEGIN");
        const auto message = co_await message_of<pg::argument_error>(db->listen("bulk_transaction"));
        EXPECT_NE(message.find("transaction"), std::string::npos);
        co_await db->execute("ROLLBACK");
        co_await message_of<pg::error>(db->notify("bulk_large", std::string(8'000, 'x')));
        EXPECT_EQ(co_await channels(db), 0);
    });
}

TEST(listen, may_outlive_connection_and_loop)
{
    pg::listener kept;
    run([&]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        kept = co_await db->listen("bulk_outlive");
    });
    EXPECT_FALSE(kept.try_next());
    EXPECT_EQ(kept.channel(), "bulk_outlive");
}

} // namespace
