// SPDX-License-Identifier: Apache-2.0
#include "db/support/fake_database.hpp"
#include "db/support/fake_server.hpp"
#include "support/errors.hpp"
#include "support/threads.hpp"

#include <tradecore/db/ambient.hpp>
#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/database.hpp>
#include <tradecore/errors.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <thread>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::fake_server;
using test::line;
using test::run_on_threads;
using testing::HasSubstr;

database_options for_threads(std::size_t maximum = 4)
{
    auto options = test::quiet_options(maximum);
    options.pool.slow_acquire = 0ms;
    options.used_by = threads::several;
    return options;
}

asio::awaitable<void> say(database on, std::string text)
{
    co_await on.execute(runtime_sql(std::move(text)));
}

asio::awaitable<void> yield()
{
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
}

/// Reads the log of a server: what was said in transactions and outside of them.
class log_reader {
public:
    /// Every statement is "<owner>.<what>"; one transaction is of one owner.
    explicit log_reader(const std::string& log)
    {
        std::string line;
        std::istringstream all(log);
        while (std::getline(all, line, '|')) {
            const auto colon = line.find(':');
            read(std::stoi(line), line.substr(colon + 1, line.find_last_not_of(' ') - colon));
        }
    }

    [[nodiscard]] const std::vector<std::string>& complaints() const { return complaints_; }
    [[nodiscard]] int committed() const { return committed_; }

private:
    void read(int connection, const std::string& command)
    {
        auto& owner = inside_[connection];
        if (command == "BEGIN" || command.starts_with("BEGIN;")) {
            owner = "?";
        }
        else if (command == "COMMIT" || command == "ROLLBACK") {
            committed_ += command == "COMMIT" ? 1 : 0;
            owner.reset();
        }
        else if (const auto dot = command.find('.'); dot != std::string::npos && command.find(' ') > dot) {
            const auto speaker = command.substr(0, dot);
            if (owner == "?")
                owner = speaker;
            if (owner && *owner != speaker)
                complaints_.push_back(fmt::format("{} in the transaction of {}", command, *owner));
            if (!owner && command.ends_with("inside"))
                complaints_.push_back(command + " in no transaction");
            if (owner && command.ends_with("outside"))
                complaints_.push_back(command + " in a transaction");
        }
    }

    std::map<int, std::optional<std::string>> inside_;
    std::vector<std::string> complaints_;
    int committed_ = 0;
};

/// Uses a database in every way at random; the name goes before each statement.
asio::awaitable<void> use_it(database main, std::string name, unsigned what)
{
    const auto outside = name + ".outside";
    const auto inside = name + ".inside";
    switch (what % 9) {
    case 0:
        co_await say(main, outside);
        break;
    case 1:
        (void)co_await main.fetch(runtime_sql(outside));
        break;
    case 2:
        co_await main.transaction([&]() -> asio::awaitable<void> {
            co_await say(main, inside);
            co_await yield();
            co_await main.transaction([&]() -> asio::awaitable<void> { co_await say(main, inside); });
        });
        break;
    case 3:
        co_await main.transaction([&]() -> asio::awaitable<void> {
            co_await when_all(say(main, inside), say(main, inside), say(main, inside));
            co_await main.outside([&]() -> asio::awaitable<void> { co_await yield(); });
        });
        break;
    case 4:
        co_await with_timeout(1h, say(main, outside));
        break;
    case 5:
        co_await with_timeout(0ns, main.transaction([&]() -> asio::awaitable<void> {
            co_await say(main, inside);
            co_await yield();
            co_await say(main, inside);
        }));
        break;
    case 6:
        co_await main.transaction(
            [&]() -> asio::awaitable<void> {
                co_await say(main, inside);
                co_await when_all(say(main, inside), yield(), say(main, inside));
            },
            {.timeout = 1h});
        break;
    case 7:
        co_await main.transaction([&]() -> asio::awaitable<void> {
            co_await say(main, inside);
            co_await say(main, "FAIL 23505");
        });
        break;
    default:
        (void)main.statistics();
        (void)main.pool_stats();
        (void)main.breaker_state();
        co_await main.with({.timeout = 1h, .name = "named"}).execute(runtime_sql(outside));
        break;
    }
}

/// @returns whether `work` ended as it may.
asio::awaitable<bool> ends_well(asio::awaitable<void> work)
{
    try {
        co_await std::move(work);
    }
    catch (const pg::error&) {
    }
    catch (const boost::system::system_error& e) {
        co_return e.code() == asio::error::operation_aborted;
    }
    co_return true;
}

class threads_test : public testing::Test {
protected:
    /// Runs `body(database, context)` on four threads; afterwards everything must have been given back.
    template <class Body>
    void run(Body body, const database_options& options = for_threads())
    {
        std::optional<database> main;
        run_on_threads([&](asio::io_context& context) -> asio::awaitable<void> {
            main.emplace(context.get_executor(), options, server_.make_connector());
            co_await main->open();
            co_await body(*main, context);
            const auto stats = main->pool_stats();
            EXPECT_EQ(stats.waiting, 0U);
            co_await main->close(1h); // as long as a connection is lent
            EXPECT_EQ(main->pool_stats().size, 0U);
        });
        EXPECT_TRUE(server_.open_connections.empty());
    }

    /// Starts work beside the body, which is joined once.
    template <class Executor>
    void start(const Executor& on, asio::awaitable<void> work)
    {
        beside_.start(on, std::move(work), [this](const std::exception_ptr&) { ++failed_; });
    }
    void start(asio::io_context& context, asio::awaitable<void> work)
    {
        start(context.get_executor(), std::move(work));
    }
    asio::awaitable<void> join()
    {
        co_await beside_.join();
        EXPECT_EQ(failed_, 0);
    }

    fake_server server_;
    test::beside beside_;
    std::atomic<int> failed_ = 0;
};

TEST_F(threads_test, serves_callers_on_all_threads_of_its_loop)
{
    std::atomic<int> bad = 0;
    const auto use_often = [&bad](database main, int number) -> asio::awaitable<void> {
        for (unsigned i = 0; i < 40; ++i) {
            auto use = use_it(main, fmt::format("c{}", number), static_cast<unsigned>(number) + i);
            if (!co_await ends_well(std::move(use)))
                ++bad;
        }
    };
    run([&](database& main, asio::io_context& context) -> asio::awaitable<void> {
        for (int i = 0; i < 100; ++i)
            start(context, use_often(main, i));
        co_await join();
    });
    EXPECT_EQ(bad, 0);
    const log_reader log(server_.log());
    EXPECT_THAT(log.complaints(), testing::IsEmpty());
    EXPECT_GT(log.committed(), 500);
}

TEST_F(threads_test, is_cancelled_at_random_from_other_threads)
{
    constexpr int uses = 30;
    std::atomic<int> bad = 0;
    std::atomic<int> ended = 0;
    const auto use_often = [&](database main, std::shared_ptr<line> on, int number) -> asio::awaitable<void> {
        for (unsigned i = 0; i < uses; ++i) {
            auto use = ends_well(use_it(main, fmt::format("c{}", number), static_cast<unsigned>(number) + i));
            auto token = asio::bind_cancellation_slot(on->cancel.slot(), asio::use_awaitable);
            if (!co_await asio::co_spawn(on->strand, std::move(use), token))
                ++bad;
            ++ended;
        }
    };
    const auto heckle = [&](std::vector<std::shared_ptr<line>> all, unsigned seed) -> asio::awaitable<void> {
        std::minstd_rand random(seed);
        while (ended != static_cast<int>(all.size()) * uses) {
            const auto& one = all[random() % all.size()];
            asio::post(one->strand, [one] { one->cancel.emit(asio::cancellation_type::terminal); });
            for (auto pause = random() % 20; pause > 0; --pause)
                co_await yield();
        }
    };
    run([&](database& main, asio::io_context& context) -> asio::awaitable<void> {
        std::vector<std::shared_ptr<line>> all;
        for (int i = 0; i < 60; ++i) {
            all.push_back(std::make_shared<line>(context.get_executor()));
            start(all.back()->strand, use_often(main, all.back(), i));
        }
        for (unsigned seed = 1; seed <= 3; ++seed)
            start(context, heckle(all, seed));
        co_await join();
    });
    EXPECT_EQ(bad, 0);
    EXPECT_EQ(ended, 60 * uses);
    EXPECT_THAT(log_reader(server_.log()).complaints(), testing::IsEmpty());
}

TEST_F(threads_test, serves_callers_of_other_loops)
{
    std::atomic<int> done = 0;
    run([&](database& main, asio::io_context& context) -> asio::awaitable<void> {
        auto callers = std::make_shared<asio::thread_pool>(2);
        const auto use = [&done](database on, int number) -> asio::awaitable<void> {
            const auto here = co_await asio::this_coro::executor;
            const auto three = co_await on.transaction([&]() -> asio::awaitable<int> {
                EXPECT_TRUE(on.in_transaction(co_await asio::this_coro::executor));
                co_await say(on, fmt::format("o{}.inside", number));
                co_return 3;
            });
            EXPECT_EQ(three, 3);
            EXPECT_EQ(co_await asio::this_coro::executor, here);
            ++done;
        };
        for (int i = 0; i < 50; ++i)
            asio::co_spawn(*callers, use(main, i), asio::detached);
        start(context, [](std::shared_ptr<asio::thread_pool> all) -> asio::awaitable<void> {
            all->join();
            co_return;
        }(callers));
        co_await join();
    });
    EXPECT_EQ(done, 50);
    EXPECT_EQ(log_reader(server_.log()).committed(), 50);
}

TEST_F(threads_test, runs_bodies_where_they_are_called_and_the_rest_at_home)
{
    run([&](database& main, asio::io_context& /*context*/) -> asio::awaitable<void> {
        asio::thread_pool elsewhere(1);
        const auto which = [](database on) -> asio::awaitable<std::thread::id> {
            co_return co_await on.transaction([&]() -> asio::awaitable<std::thread::id> {
                co_await say(on, "a.inside");
                co_return std::this_thread::get_id();
            });
        };
        const auto there = co_await asio::co_spawn(
            elsewhere, []() -> asio::awaitable<std::thread::id> { co_return std::this_thread::get_id(); },
            asio::use_awaitable);
        EXPECT_EQ(co_await asio::co_spawn(elsewhere, which(main), asio::use_awaitable), there);
        // A coroutine at home stays there.
        const auto& home = main.pool_executor();
        co_await run_on(home, [](database on, asio::any_io_executor expected) -> asio::awaitable<void> {
            EXPECT_EQ(co_await asio::this_coro::executor, expected);
            co_await on.transaction([&]() -> asio::awaitable<void> {
                EXPECT_TRUE(on.in_transaction(co_await asio::this_coro::executor));
                co_await say(on, "b.inside");
                (void)co_await on.pool().acquire({.kind = "test"});
            });
        }(main, home));
    });
    EXPECT_EQ(server_.log(), "1:BEGIN | 1:a.inside | 1:COMMIT | 1:BEGIN | 1:b.inside | 1:COMMIT");
}

TEST_F(threads_test, has_children_of_a_transaction_on_other_threads_in_it)
{
    run([&](database& main, asio::io_context& context) -> asio::awaitable<void> {
        co_await main.transaction([&]() -> asio::awaitable<void> {
            const auto inside = context_of(co_await asio::this_coro::executor);
            const auto several = with_context(context.get_executor(), inside);
            std::atomic<int> children = 20;
            for (int i = 0; i < 20; ++i) {
                asio::co_spawn(several, say(main, "t.inside"), [&children](const std::exception_ptr& error) {
                    EXPECT_FALSE(error);
                    --children;
                });
            }
            while (children != 0)
                co_await yield();
        });
        // One that outlives it is told so.
        std::optional<asio::any_io_executor> late;
        co_await main.transaction([&]() -> asio::awaitable<void> {
            late = with_context(context.get_executor(), context_of(co_await asio::this_coro::executor));
            co_return;
        });
        bool closed = false;
        try {
            co_await asio::co_spawn(*late, say(main, "t.inside"), asio::use_awaitable);
        }
        catch (const transaction_closed&) {
            closed = true;
        }
        EXPECT_TRUE(closed);
    });
    const log_reader log(server_.log());
    EXPECT_THAT(log.complaints(), testing::IsEmpty());
    EXPECT_EQ(log.committed(), 1);
}

TEST_F(threads_test, cancels_bodies_at_their_deadline_without_meeting_them)
{
    std::atomic<int> late = 0;
    const auto wait = [&late](database main) -> asio::awaitable<void> {
        try {
            co_await main.transaction(
                [&]() -> asio::awaitable<void> {
                    for (;;)
                        co_await yield();
                },
                {.timeout = 1ms});
        }
        catch (const pg::timeout_error&) {
            ++late;
        }
    };
    run(
        [&](database& main, asio::io_context& context) -> asio::awaitable<void> {
            for (int i = 0; i < 40; ++i)
                start(context, wait(main));
            co_await join();
        },
        for_threads(40));
    EXPECT_EQ(late, 40);
}

TEST_F(threads_test, lets_go_of_transactions_anywhere)
{
    const auto keep = [](database main, int number) -> asio::awaitable<void> {
        for (int i = 0; i < 60; ++i) {
            std::optional<asio::any_io_executor> inside;
            co_await main.transaction([&]() -> asio::awaitable<void> {
                inside = co_await asio::this_coro::executor;
                co_await say(main, fmt::format("c{}.inside", number));
            });
            co_await yield();
            inside.reset(); // the last that knows of the transaction, while others use its connection
        }
    };
    run([&](database& main, asio::io_context& context) -> asio::awaitable<void> {
        for (int i = 0; i < 12; ++i)
            start(context, keep(main, i));
        co_await join();
    });
    EXPECT_EQ(log_reader(server_.log()).committed(), 720);
}

TEST_F(threads_test, repeats_bodies_after_conflicts)
{
    std::atomic<int> attempts = 0;
    const auto try_it = [&attempts](database main, int number) -> asio::awaitable<void> {
        int attempt = 0;
        co_await main.transaction([&]() -> asio::awaitable<void> {
            ++attempts;
            co_await say(main, fmt::format("c{}.inside", number));
            co_await say(main, ++attempt == 1 ? "FAIL 40001" : fmt::format("c{}.inside", number));
        });
    };
    run([&](database& main, asio::io_context& context) -> asio::awaitable<void> {
        for (int i = 0; i < 30; ++i)
            start(context, try_it(main, i));
        co_await join();
        EXPECT_EQ(main.statistics().retries.after_conflicts, 30U);
    });
    EXPECT_EQ(attempts, 60);
}

TEST_F(threads_test, notes_what_other_databases_change)
{
    run([&](database& main, asio::io_context& context) -> asio::awaitable<void> {
        fake_server second;
        fake_server third;
        database b(context.get_executor(), for_threads(), second.make_connector());
        database c(context.get_executor(), for_threads(), third.make_connector());
        co_await b.open();
        co_await c.open();
        int attempts = 0;
        std::string why;
        for (int i = 0; i < 30; ++i) {
            try {
                co_await main.transaction([&]() -> asio::awaitable<void> {
                    ++attempts;
                    co_await say(main, "a.inside");
                    // Each on the strand of its own database, at once.
                    co_await when_all(say(b, "WRITE outside"), say(c, "WRITE outside"));
                    co_await say(main, "FAIL 40001");
                });
            }
            catch (const pg::error& e) {
                why = e.what();
            }
        }
        EXPECT_EQ(attempts, 30); // none was repeated
        EXPECT_THAT(why, HasSubstr("a statement on 'main'"));
        co_await b.close(1h);
        co_await c.close(1h);
    });
}

TEST_F(threads_test, closes_while_it_is_busy)
{
    std::atomic<int> refused = 0;
    std::atomic<int> answered = 0;
    const auto use = [&](database main, int number) -> asio::awaitable<void> {
        for (unsigned i = 0;; ++i) {
            try {
                co_await use_it(main, fmt::format("c{}", number), i % 5);
                ++answered;
            }
            catch (const database_closed&) {
                ++refused;
                co_return;
            }
            catch (const pg::timeout_error&) { // NOLINT(bugprone-empty-catch): one of the uses has no time
            }
        }
    };
    run([&](database& main, asio::io_context& context) -> asio::awaitable<void> {
        for (int i = 0; i < 40; ++i)
            start(context, use(main, i));
        while (answered < 300)
            co_await yield();
        co_await main.close(1h);
        co_await join();
    });
    EXPECT_EQ(refused, 40);
    EXPECT_THAT(log_reader(server_.log()).complaints(), testing::IsEmpty());
}

TEST_F(threads_test, lends_connections_on_its_own_executor_only)
{
    run([&](database& main, asio::io_context& /*context*/) -> asio::awaitable<void> {
        try {
            (void)main.pool();
            ADD_FAILURE() << "the pool was there";
        }
        catch (const std::logic_error& e) {
            EXPECT_STREQ(
                e.what(), "the pool of database 'main', which several threads use, is for coroutines on its "
                          "pool_executor()");
        }
        const auto pid = co_await run_on(main.pool_executor(), [](database on) -> asio::awaitable<int> {
            const auto connection = co_await on.pool().acquire({.kind = "test"});
            co_return connection->backend_pid();
        }(main));
        EXPECT_EQ(pid, 1);
    });
}

TEST_F(threads_test, tells_figures_on_any_thread)
{
    run([&](database& main, asio::io_context& context) -> asio::awaitable<void> {
        std::atomic<bool> over = false;
        std::atomic<int> looks = 0;
        std::jthread reader([&] {
            std::uint64_t calls = 0;
            while (!over) {
                const auto counted = main.statistics();
                std::uint64_t now = counted.others.calls;
                for (const auto& each : counted.statements)
                    now += each.calls;
                EXPECT_GE(now, calls);
                calls = now;
                EXPECT_LE(main.pool_stats().active, 4U);
                EXPECT_TRUE(main.is_open());
                EXPECT_EQ(main.breaker_state(), resilience::breaker_state::closed);
                ++looks;
            }
        });
        for (int i = 0; i < 20; ++i) {
            start(context, [](database on) -> asio::awaitable<void> {
                for (int n = 0; n < 50; ++n)
                    co_await say(on, "c.outside");
            }(main));
        }
        co_await join();
        while (looks < 10)
            co_await yield();
        over = true;
        reader.join();
        EXPECT_EQ(main.statistics().statements.front().calls, 1'000U);
    });
}

TEST_F(threads_test, may_end_anywhere_and_after_its_loop)
{
    std::optional<database> kept;
    std::optional<asio::any_io_executor> inside;
    {
        asio::io_context context;
        kept.emplace(context.get_executor(), for_threads(), server_.make_connector());
        asio::co_spawn(
            context,
            [](database main, std::optional<asio::any_io_executor>& out) -> asio::awaitable<void> {
                co_await main.open();
                co_await main.transaction([&]() -> asio::awaitable<void> {
                    out = co_await asio::this_coro::executor;
                    co_await say(main, "a.inside");
                    co_await say(main, "HOLD for_ever");
                });
            }(*kept, inside),
            asio::detached);
        while (!server_.log().ends_with("HOLD for_ever"))
            context.run_one();
    }
    EXPECT_TRUE(kept->in_transaction(*inside));
    std::jthread([ended = std::move(inside)]() mutable { ended.reset(); }).join();
    std::jthread([ended = std::move(kept)]() mutable { ended.reset(); }).join();
    EXPECT_TRUE(server_.open_connections.empty());
}

TEST_F(threads_test, is_told_apart_from_one_that_is_not_open)
{
    run_on_threads([](asio::io_context& context) -> asio::awaitable<void> {
        database main(
            context.get_executor(), for_threads(), []() -> asio::awaitable<std::unique_ptr<physical_connection>> {
                throw std::logic_error("nobody connects");
                co_return nullptr;
            });
        bool closed = false;
        try {
            co_await say(main, "a.outside");
        }
        catch (const database_closed&) {
            closed = true;
        }
        EXPECT_TRUE(closed);
    });
}

} // namespace
} // namespace tradecore
