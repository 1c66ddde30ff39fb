// SPDX-License-Identifier: Apache-2.0
#include "support/errors.hpp"
#include "support/postgres.hpp"
#include "support/threads.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/database.hpp>
#include <tradecore/errors.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <ranges>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::line;
using test::run_on_threads;

asio::awaitable<void> yield()
{
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
}

class database_threads : public testing::Test {
protected:
    database_threads()
    {
        options_.connect = pg::connect_options::parse(scratch_.dsn());
        options_.pool = {.minimum = 0, .maximum = 6};
        options_.pool.exhaustion_threshold = 1;
        options_.pool.slow_acquire = 0ms;
        options_.slow_query = options_.long_transaction = 0ms;
        options_.used_by = threads::several;
    }

    /// Runs `body(database, context)` on four threads; afterwards everything must have been given back.
    template <class Body>
    void run(Body body)
    {
        run_on_threads([&](asio::io_context& context) -> asio::awaitable<void> {
            database main(context.get_executor(), options_);
            co_await main.open();
            co_await body(main, context);
            EXPECT_EQ(co_await main.fetchval<int>("SELECT 1"), 1);
            co_await main.close(1h); // as long as a connection is lent
            EXPECT_EQ(main.pool_stats().size, 0U);
        });
    }

    /// Starts work beside the body, which is joined once.
    void start(const asio::any_io_executor& on, asio::awaitable<void> work)
    {
        beside_.start(on, std::move(work), [](const std::exception_ptr& error) {
            try {
                std::rethrow_exception(error);
            }
            catch (const std::exception& e) {
                ADD_FAILURE() << e.what();
            }
        });
    }
    asio::awaitable<void> join() { return beside_.join(); }

    test::scratch_database scratch_{"threads"};
    database_options options_;
    test::beside beside_;
};

TEST_F(database_threads, answer_every_verb_on_every_thread)
{
    scratch_.run("CREATE TABLE t (id bigint PRIMARY KEY, note text)");
    const auto use = [](database main, std::int64_t number) -> asio::awaitable<void> {
        for (std::int64_t i = 0; i < 20; ++i) {
            const auto id = number * 1'000 + i;
            const auto note = fmt::format("note {}", id);
            EXPECT_EQ((co_await main.execute("INSERT INTO t VALUES ($1, $2)", id, note)).rows_affected(), 1U);
            EXPECT_EQ(co_await main.fetchval<std::string>("SELECT note FROM t WHERE id = $1", id), note);
            const auto row = co_await main.fetchrow<std::tuple<std::int64_t, std::string>>(
                "SELECT id, note FROM t WHERE id = $1", id);
            EXPECT_EQ(std::get<1>(row.value()), note);
            const auto mine = co_await main.fetch<std::string>(
                "SELECT note FROM t WHERE id BETWEEN $1 AND $2 ORDER BY id", number * 1'000, id);
            EXPECT_EQ(mine.size(), static_cast<std::size_t>(i) + 1);
            const auto untyped = co_await main.fetch("SELECT id FROM t WHERE id = $1", id);
            EXPECT_EQ(untyped[0]["id"].as<std::int64_t>(), id);
            const auto named = co_await main.with({.timeout = 1h, .name = "named"}).fetchval<int>("SELECT 7");
            EXPECT_EQ(named, 7);
            EXPECT_TRUE((co_await main.health_check(1h)).reachable);
        }
    };
    run([&](database& main, asio::io_context& context) -> asio::awaitable<void> {
        for (int i = 0; i < 60; ++i)
            start(context.get_executor(), use(main, i));
        co_await join();
    });
    EXPECT_EQ(scratch_.run("SELECT count(*) FROM t"), "1200");
}

TEST_F(database_threads, carry_what_stays_open)
{
    scratch_.run("CREATE TABLE t (owner bigint, id bigint)");
    using row = std::tuple<std::int64_t, std::int64_t>;
    const auto use = [](database main, std::int64_t owner) -> asio::awaitable<void> {
        const auto rows = std::views::iota(std::int64_t{0}, std::int64_t{3'000}) |
                          std::views::transform([owner](std::int64_t id) { return row(owner, id); });
        const std::vector<std::string> columns{"owner", "id"};
        const auto in_transaction = owner % 2 == 0;
        const auto all = [&]() -> asio::awaitable<void> {
            EXPECT_EQ(co_await main.copy_in("t", columns, rows), 3'000U);
            EXPECT_EQ(co_await main.execute_many("INSERT INTO t VALUES ($1, $2)", rows | std::views::take(10)), 10U);
            std::int64_t sum = 0;
            auto cursor = co_await main.cursor<std::int64_t>(
                {.rows = 100}, "SELECT id FROM t WHERE owner = $1 ORDER BY id", owner);
            for (auto slice = co_await cursor.next(); !slice.empty(); slice = co_await cursor.next()) {
                for (const auto id : slice)
                    sum += id;
            }
            EXPECT_EQ(sum, 3'000 * 2'999 / 2 + 45);
            pg::batch both;
            const auto count = both.add<std::int64_t>("SELECT count(*) FROM t WHERE owner = $1", owner);
            const auto done = both.add_execute("DELETE FROM t WHERE owner = $1 AND id < 10", owner);
            auto answers = co_await main.run(std::move(both));
            EXPECT_EQ(answers.get(count), 3'010);
            EXPECT_EQ(answers.get(done).rows_affected(), 20U);
            // One that is given up in its middle.
            auto given_up =
                co_await main.cursor<std::int64_t>({.rows = 10}, "SELECT id FROM t WHERE owner = $1", owner);
            EXPECT_EQ((co_await given_up.next()).size(), 10U);
        };
        if (in_transaction)
            co_await main.transaction(all);
        else
            co_await all();
        auto reader = co_await main.copy_out<row>("SELECT owner, id FROM t WHERE id = 2999");
        for (auto slice = co_await reader.next(); !slice.empty(); slice = co_await reader.next()) {
            for (const auto& each : slice)
                EXPECT_EQ(std::get<1>(each), 2'999);
        }
        {
            auto unread = co_await main.copy_out<row>("SELECT owner, id FROM t");
            EXPECT_FALSE((co_await unread.next()).empty());
        }
        auto unwritten = co_await main.copy_writer("t", columns);
        unwritten.append(row(-1, -1));
    };
    run([&](database& main, asio::io_context& context) -> asio::awaitable<void> {
        for (int i = 0; i < 16; ++i)
            start(context.get_executor(), use(main, i));
        co_await join();
    });
    EXPECT_EQ(scratch_.run("SELECT count(*) FROM t WHERE owner >= 0"), std::to_string(16 * 2'990));
    EXPECT_EQ(scratch_.run("SELECT count(*) FROM t WHERE owner < 0"), "0");
}

TEST_F(database_threads, hear_notifications_on_every_thread)
{
    run([&](database& main, asio::io_context& context) -> asio::awaitable<void> {
        std::atomic<int> listening = 0;
        std::atomic<int> heard = 0;
        const auto listen = [&](database on, bool polls) -> asio::awaitable<void> {
            auto feed = co_await on.listen("news");
            ++listening;
            for (int i = 0; i < 50; ++i) {
                if (polls) {
                    auto one = feed.try_next();
                    while (!one) {
                        co_await yield();
                        one = feed.try_next();
                    }
                    EXPECT_EQ(one->payload, std::to_string(i));
                }
                else {
                    EXPECT_EQ((co_await feed.next()).payload, std::to_string(i));
                }
            }
            EXPECT_EQ(feed.missed(), 0U);
            ++heard;
        };
        for (int i = 0; i < 4; ++i)
            start(context.get_executor(), listen(main, i % 2 == 0));
        while (listening < 4)
            co_await yield();
        for (int i = 0; i < 50; ++i)
            co_await main.notify("news", std::to_string(i));
        co_await join();
        EXPECT_EQ(heard, 4);
    });
}

// --- money ----------------------------------------------------------------------------------------------------------

class database_threads_money : public database_threads {
protected:
    static constexpr int accounts = 8;

    database_threads_money()
    {
        scratch_.run("CREATE TABLE account (id int PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0));"
                     "CREATE TABLE transfer (id bigint PRIMARY KEY, amount bigint NOT NULL);"
                     "INSERT INTO account SELECT i, 1000 FROM generate_series(0, 7) i");
        scratch_.run("ALTER DATABASE \"" + scratch_.name() + "\" SET deadlock_timeout = '20ms'");
        options_.retries.conflict.max_attempts = 20;
    }

    static asio::awaitable<void> add(database main, int account, std::int64_t amount)
    {
        (void)co_await main.execute("UPDATE account SET balance = balance + $2 WHERE id = $1", account, amount);
    }

    /// Moves money in one of several ways, which deadlock each other now and then.
    static asio::awaitable<void> transfer(database main, std::int64_t id, unsigned seed)
    {
        std::minstd_rand random(seed);
        const auto from = static_cast<int>(random() % accounts);
        const auto to = static_cast<int>((static_cast<unsigned>(from) + 1 + random() % (accounts - 1)) % accounts);
        const auto amount = static_cast<std::int64_t>(random() % 50) + 1;
        const auto way = random() % 4;
        transaction_options how{.name = "transfer"};
        if (way == 1)
            how.isolation = isolation_level::serializable;
        if (way == 2)
            how.timeout = 1h;
        co_await main.transaction(
            [&]() -> asio::awaitable<void> {
                (void)co_await main.execute("INSERT INTO transfer VALUES ($1, $2)", id, amount);
                if (way == 3) {
                    bool undone = false;
                    try { // a savepoint that is undone
                        co_await main.transaction([&]() -> asio::awaitable<void> {
                            co_await add(main, to, 1'000'000);
                            throw std::runtime_error("not so much");
                        });
                    }
                    catch (const std::runtime_error&) {
                        undone = true;
                    }
                    EXPECT_TRUE(undone);
                }
                if (way == 0) {
                    co_await when_all(add(main, from, -amount), add(main, to, amount));
                }
                else {
                    co_await add(main, from, -amount);
                    co_await main.transaction([&]() -> asio::awaitable<void> { co_await add(main, to, amount); });
                }
            },
            how);
    }

    /// Does many transfers and keeps account of them.
    asio::awaitable<void> transfer_often(database main, std::shared_ptr<line> on, int number, int times)
    {
        for (int i = 0; i < times; ++i) {
            const auto id = static_cast<std::int64_t>(number) * 1'000 + i;
            auto work = transfer_once(main, id, static_cast<unsigned>(id) + 1);
            co_await asio::co_spawn(
                on->strand, std::move(work), asio::bind_cancellation_slot(on->cancel.slot(), asio::use_awaitable));
            ++ended_;
        }
    }

    asio::awaitable<void> transfer_once(database main, std::int64_t id, unsigned seed)
    {
        std::string failure;
        bool unknown = false;
        try {
            if (seed % 5 == 0)
                co_await with_timeout(std::chrono::microseconds(seed % 3'000), transfer(main, id, seed));
            else
                co_await transfer(main, id, seed);
        }
        catch (const commit_unknown&) {
            unknown = true;
        }
        catch (...) {
            failure = test::what_of(std::current_exception());
        }
        const std::lock_guard lock(mutex_);
        if (failure.empty() && !unknown)
            done_.insert(id);
        else if (!unknown)
            undone_.insert(id);
    }

    void check(int transfers)
    {
        EXPECT_EQ(ended_, transfers);
        EXPECT_EQ(scratch_.run("SELECT sum(balance) FROM account"), std::to_string(accounts * 1'000));
        std::set<std::int64_t> stored;
        const auto list = scratch_.run("SELECT string_agg(id::text, ',') FROM transfer");
        for (const auto part : std::views::split(list, ','))
            stored.insert(std::stoll(std::string(part.begin(), part.end())));
        for (const auto id : done_)
            EXPECT_TRUE(stored.contains(id)) << id << " was committed";
        for (const auto id : undone_)
            EXPECT_FALSE(stored.contains(id)) << id << " had failed";
        EXPECT_GT(done_.size(), 0U);
    }

    /// Starts so many who transfer, each on a strand.
    std::vector<std::shared_ptr<line>> start_clients(database& main, asio::io_context& context, int many, int times)
    {
        std::vector<std::shared_ptr<line>> all;
        for (int i = 0; i < many; ++i) {
            all.push_back(std::make_shared<line>(context.get_executor()));
            start(all.back()->strand, transfer_often(main, all.back(), i, times));
        }
        return all;
    }

    asio::awaitable<void> heckle(std::vector<std::shared_ptr<line>> all, unsigned seed, int until)
    {
        std::minstd_rand random(seed);
        while (ended_ < until) {
            const auto& one = all[random() % all.size()];
            asio::post(one->strand, [one] { one->cancel.emit(asio::cancellation_type::terminal); });
            for (auto pause = random() % 400; pause > 0; --pause)
                co_await yield();
        }
    }

    std::atomic<int> ended_ = 0;
    std::mutex mutex_;
    std::set<std::int64_t> done_;
    std::set<std::int64_t> undone_;
};

TEST_F(database_threads_money, keep_it_while_callers_are_more_than_connections)
{
    run([&](database& main, asio::io_context& context) -> asio::awaitable<void> {
        (void)start_clients(main, context, 40, 15);
        co_await join();
    });
    check(600);
}

TEST_F(database_threads_money, keep_it_while_callers_are_cancelled_from_other_threads)
{
    run([&](database& main, asio::io_context& context) -> asio::awaitable<void> {
        const auto all = start_clients(main, context, 40, 15);
        start(context.get_executor(), heckle(all, 1, 600));
        start(context.get_executor(), heckle(all, 2, 600));
        co_await join();
    });
    check(600);
    EXPECT_GT(undone_.size(), 0U);
}

TEST_F(database_threads_money, keep_it_while_connections_are_lost)
{
    options_.breaker_enabled = false; // it would refuse most
    options_.retries.outage.max_attempts = 5;
    run([&](database& main, asio::io_context& context) -> asio::awaitable<void> {
        const auto all = start_clients(main, context, 30, 15);
        start(context.get_executor(), heckle(all, 3, 450));
        const auto kill = [this]() -> asio::awaitable<void> {
            for (int i = 0; i < 12 && ended_ < 400; ++i) {
                scratch_.run(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                    "AND pid <> pg_backend_pid() AND state <> 'idle' LIMIT 2");
                for (int n = 0; n < 2'000; ++n)
                    co_await yield();
            }
        };
        start(context.get_executor(), kill());
        co_await join();
    });
    check(450);
}

TEST_F(database_threads_money, keep_it_when_the_database_is_closed_meanwhile)
{
    run_on_threads([&](asio::io_context& context) -> asio::awaitable<void> {
        database main(context.get_executor(), options_);
        co_await main.open();
        (void)start_clients(main, context, 20, 15);
        while (ended_ < 60)
            co_await yield();
        co_await main.close(1h);
        co_await join();
        EXPECT_EQ(main.pool_stats().size, 0U);
    });
    check(300);
}

} // namespace
} // namespace tradecore
