// SPDX-License-Identifier: Apache-2.0
#include "db/support/each_step.hpp"
#include "db/support/fake_server.hpp"
#include "support/errors.hpp"
#include "support/run.hpp"

#include <tradecore/db/ambient.hpp>
#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/database.hpp>
#include <tradecore/errors.hpp>
#include <tradecore/observe/capture.hpp>

#include <boost/asio/detached.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::fake_server;
using test::settle;
using test::throws;
using test::what_of;
using testing::HasSubstr;

database_options sized(std::size_t maximum)
{
    database_options options;
    options.pool = {.minimum = 0, .maximum = maximum};
    options.pool.exhaustion_threshold = 1;
    return options;
}

/// One database on a fake server; each test runs a coroutine in it.
struct world {
    fake_server server;
    std::optional<database> main;

    template <class F>
    void run(F body, database_options options = sized(4))
    {
        test::run([&]() -> asio::awaitable<void> {
            main.emplace(co_await asio::this_coro::executor, options, server.make_connector());
            co_await main->open();
            co_await body(*main);
            co_await settle();
            EXPECT_EQ(main->pool_stats().active, 0U) << "a connection was not given back";
            for (const auto* connection : server.open_connections)
                EXPECT_EQ(connection->status(), pg::transaction_status::idle);
            co_await main->close(1s);
        });
    }
};

asio::awaitable<void> say(database& on, std::string text)
{
    co_await on.execute(runtime_sql(std::move(text)));
}

asio::awaitable<void> deep(database& on)
{
    co_await say(on, "deep");
}

TEST(transaction, carries_every_statement_below_it)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        const int result = co_await main.transaction([&]() -> asio::awaitable<int> {
            co_await say(main, "a");
            co_await deep(main);
            co_return 3;
        });
        EXPECT_EQ(result, 3);
        co_await say(main, "outside");
        EXPECT_EQ(w.server.log(), "1:BEGIN | 1:a | 1:deep | 1:COMMIT | 1:outside");
    });
}

TEST(transaction, without_statements_costs_nothing)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        co_await main.transaction([]() -> asio::awaitable<void> { co_return; });
        EXPECT_EQ(w.server.log(), "");
    });
}

TEST(transaction, result_may_be_movable_only)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        auto made = co_await main.transaction([&]() -> asio::awaitable<std::unique_ptr<int>> {
            co_await say(main, "a");
            co_return std::make_unique<int>(5);
        });
        EXPECT_EQ(*made, 5);
    });
}

TEST(transaction, begins_as_asked)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        const auto body = [&]() -> asio::awaitable<void> { co_await say(main, "a"); };
        co_await main.transaction(
            body, {.isolation = isolation_level::serializable, .read_only = true, .deferrable = true});
        co_await main.transaction(body, {.isolation = isolation_level::repeatable_read});
        co_await main.transaction(body, {.isolation = isolation_level::read_committed, .read_only = true});
        EXPECT_EQ(
            w.server.log(), "1:BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE | 1:a | 1:COMMIT | "
                            "1:BEGIN ISOLATION LEVEL REPEATABLE READ | 1:a | 1:COMMIT | "
                            "1:BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY | 1:a | 1:COMMIT");
    });
}

TEST(transaction, of_two_databases_are_independent)
{
    world w;
    fake_server other;
    w.run([&](database& main) -> asio::awaitable<void> {
        database vb(co_await asio::this_coro::executor, sized(2), other.make_connector());
        co_await vb.open();
        co_await main.transaction([&]() -> asio::awaitable<void> {
            co_await vb.transaction([&]() -> asio::awaitable<void> {
                co_await say(main, "m");
                co_await say(vb, "v");
            });
            const auto here = co_await asio::this_coro::executor;
            EXPECT_TRUE(main.in_transaction(here));
            EXPECT_FALSE(vb.in_transaction(here));
        });
        EXPECT_EQ(w.server.log(), "1:BEGIN | 1:m | 1:COMMIT");
        EXPECT_EQ(other.log(), "1:BEGIN | 1:v | 1:COMMIT");
        co_await vb.close();
    });
}

// --- nested ----------------------------------------------------------------------------------------

TEST(transaction, nested_is_a_savepoint)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        co_await main.transaction([&]() -> asio::awaitable<void> {
            co_await say(main, "a");
            const bool failed = co_await throws<std::runtime_error>(main.transaction([&]() -> asio::awaitable<void> {
                co_await say(main, "b");
                throw std::runtime_error("no");
            }));
            EXPECT_TRUE(failed);
            co_await main.transaction([&]() -> asio::awaitable<void> {
                co_await say(main, "c");
                co_await main.transaction([&]() -> asio::awaitable<void> { co_await say(main, "d"); });
            });
            co_await say(main, "e");
        });
        EXPECT_EQ(
            w.server.log(),
            "1:BEGIN | 1:a | 1:SAVEPOINT tradecore_1 | 1:b | 1:ROLLBACK TO SAVEPOINT tradecore_1 | "
            "1:RELEASE SAVEPOINT tradecore_1 | "
            "1:SAVEPOINT tradecore_1 | 1:c | 1:SAVEPOINT tradecore_2 | 1:d | 1:RELEASE SAVEPOINT tradecore_2 | "
            "1:RELEASE SAVEPOINT tradecore_1 | 1:e | 1:COMMIT");
    });
}

TEST(transaction, nested_recovers_from_a_refused_statement)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        co_await main.transaction([&]() -> asio::awaitable<void> {
            EXPECT_TRUE(co_await throws<unique_violation>(
                main.transaction([&]() -> asio::awaitable<void> { co_await say(main, "FAIL 23505"); })));
            co_await say(main, "after");
        });
        EXPECT_THAT(w.server.log(), testing::EndsWith("1:after | 1:COMMIT"));
    });
}

TEST(transaction, nested_that_swallows_an_error_says_it_was_rolled_back)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        co_await main.transaction([&]() -> asio::awaitable<void> {
            co_await say(main, "a");
            EXPECT_TRUE(co_await throws<transaction_rolled_back>(main.transaction([&]() -> asio::awaitable<void> {
                EXPECT_TRUE(co_await throws<unique_violation>(say(main, "FAIL 23505")));
            })));
            co_await say(main, "b");
        });
        EXPECT_THAT(w.server.log(), testing::EndsWith("1:b | 1:COMMIT"));
    });
}

TEST(transaction, nested_may_not_ask_for_another_mode)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        const auto nothing = []() -> asio::awaitable<void> { co_return; };
        co_await main.transaction(
            [&]() -> asio::awaitable<void> {
                co_await main.transaction(nothing, {.isolation = isolation_level::serializable});
                EXPECT_TRUE(co_await throws<std::invalid_argument>(
                    main.transaction(nothing, {.isolation = isolation_level::read_committed})));
                EXPECT_TRUE(co_await throws<std::invalid_argument>(main.transaction(nothing, {.read_only = true})));
            },
            {.isolation = isolation_level::serializable});
    });
}

// --- children --------------------------------------------------------------------------------------

TEST(transaction, children_use_its_connection_one_after_the_other)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        co_await main.transaction([&]() -> asio::awaitable<void> {
            const auto nested = [&](std::string name) {
                return main.transaction([&main, name]() -> asio::awaitable<void> {
                    co_await say(main, name + "x");
                    co_await say(main, name + "y");
                });
            };
            co_await when_all(say(main, "1"), say(main, "2"), nested("p"), nested("q"), say(main, "3"));
        });
        EXPECT_EQ(
            w.server.log(),
            "1:BEGIN | 1:1 | 1:2 | 1:SAVEPOINT tradecore_1 | 1:px | 1:py | 1:RELEASE SAVEPOINT tradecore_1 | "
            "1:SAVEPOINT tradecore_1 | 1:qx | 1:qy | 1:RELEASE SAVEPOINT tradecore_1 | 1:3 | 1:COMMIT");
    });
}

TEST(transaction, a_child_that_outlives_it_is_told_so)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        test::gate later;
        bool told = false;
        co_await main.transaction([&]() -> asio::awaitable<void> {
            const auto child = [&]() -> asio::awaitable<void> {
                (void)co_await later.wait();
                told = co_await throws<transaction_closed>(say(main, "late"));
            };
            asio::co_spawn(co_await asio::this_coro::executor, child, asio::detached);
            co_await say(main, "a");
        });
        later.open();
        co_await settle();
        EXPECT_TRUE(told);
        EXPECT_EQ(w.server.log(), "1:BEGIN | 1:a | 1:COMMIT");
    });
}

TEST(transaction, waits_for_a_childs_statement_in_flight_and_refuses_those_that_queue)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        bool done = false;
        bool refused = false;
        const auto here = co_await asio::this_coro::executor;
        const auto whole = [&]() -> asio::awaitable<void> {
            co_await main.transaction([&]() -> asio::awaitable<void> {
                const auto inside = co_await asio::this_coro::executor;
                asio::co_spawn(inside, say(main, "HOLD child"), [&](const std::exception_ptr& e) { done = !e; });
                const auto queued = [&]() -> asio::awaitable<void> {
                    refused = co_await throws<transaction_closed>(say(main, "queued"));
                };
                asio::co_spawn(inside, queued, asio::detached);
                co_await settle();
            });
        };
        bool ended = false;
        asio::co_spawn(here, whole, [&](const std::exception_ptr& e) { ended = !e; });
        co_await settle(200);
        EXPECT_FALSE(ended);
        w.server.held("child").open();
        co_await settle();
        EXPECT_TRUE(done);
        EXPECT_TRUE(refused);
        EXPECT_TRUE(ended);
        EXPECT_EQ(w.server.log(), "1:BEGIN | 1:HOLD child | 1:COMMIT");
    });
}

TEST(transaction, an_unfinished_nested_child_is_rolled_back_before_the_commit)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        test::gate later;
        bool told = false;
        co_await main.transaction([&]() -> asio::awaitable<void> {
            co_await say(main, "a");
            const auto child = [&]() -> asio::awaitable<void> {
                told = co_await throws<transaction_closed>(main.transaction([&]() -> asio::awaitable<void> {
                    co_await say(main, "half");
                    (void)co_await later.wait();
                    co_await say(main, "other half");
                }));
            };
            asio::co_spawn(co_await asio::this_coro::executor, child, asio::detached);
            co_await settle();
        });
        later.open();
        co_await settle();
        EXPECT_TRUE(told);
        EXPECT_EQ(
            w.server.log(), "1:BEGIN | 1:a | 1:SAVEPOINT tradecore_1 | 1:half | 1:ROLLBACK TO SAVEPOINT tradecore_1 | "
                            "1:COMMIT");
    });
}

// --- failing ---------------------------------------------------------------------------------------

TEST(transaction, rolls_back_when_the_body_throws)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        EXPECT_TRUE(co_await throws<std::logic_error>(main.transaction([&]() -> asio::awaitable<void> {
            co_await say(main, "a");
            throw std::logic_error("no");
        })));
        EXPECT_EQ(w.server.log(), "1:BEGIN | 1:a | 1:ROLLBACK");
    });
}

TEST(transaction, a_swallowed_error_is_not_a_success)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        std::exception_ptr thrown;
        try {
            co_await main.transaction(
                [&]() -> asio::awaitable<void> {
                    co_await say(main, "a");
                    EXPECT_TRUE(co_await throws<unique_violation>(say(main, "FAIL 23505")));
                },
                {.name = "place_order"});
        }
        catch (const transaction_rolled_back& e) {
            EXPECT_EQ(e.cause().text(), "23505");
            thrown = std::current_exception();
        }
        EXPECT_EQ(
            what_of(thrown), "COMMIT of the transaction 'place_order' of 'main' was answered with ROLLBACK: an "
                             "earlier statement had failed with 23505 (unique_violation)");
        EXPECT_EQ(w.server.log(), "1:BEGIN | 1:a | 1:FAIL 23505 | 1:COMMIT");
    });
}

TEST(transaction, is_failed_when_its_begin_is_refused)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        w.server.on_command = [](fake_server::connection&, const std::string& command) {
            if (command.starts_with("BEGIN"))
                std::rethrow_exception(test::server_error_of("0A000"));
        };
        EXPECT_TRUE(co_await throws<transaction_rolled_back>(main.transaction([&]() -> asio::awaitable<void> {
            EXPECT_TRUE(co_await throws<feature_not_supported>(say(main, "a")));
            EXPECT_TRUE(co_await throws<in_failed_sql_transaction>(say(main, "b")));
        })));
        EXPECT_EQ(w.server.log(), "1:BEGIN") << "nothing ran outside of a transaction";
    });
}

TEST(transaction, repeats_the_outermost_body_on_serialization_failures_and_deadlocks)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        int attempt = 0;
        int nested = 0;
        const int result = co_await main.transaction([&]() -> asio::awaitable<int> {
            ++attempt;
            co_await main.transaction([&]() -> asio::awaitable<void> {
                ++nested;
                if (attempt < 3)
                    co_await say(main, attempt == 1 ? "FAIL 40001" : "FAIL 40P01");
                else
                    co_await say(main, "good");
            });
            co_return attempt;
        });
        EXPECT_EQ(result, 3);
        EXPECT_EQ(nested, 3) << "only the outermost level is repeated";
        EXPECT_THAT(w.server.log(), testing::EndsWith("1:good | 1:RELEASE SAVEPOINT tradecore_1 | 1:COMMIT"));
    });
}

TEST(transaction, repeats_when_the_body_turned_the_failure_into_its_own_error)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        int attempt = 0;
        co_await main.transaction([&]() -> asio::awaitable<void> {
            if (++attempt == 1) {
                if (co_await throws<serialization_failure>(say(main, "FAIL 40001")))
                    throw std::runtime_error("could not place the order");
            }
        });
        EXPECT_EQ(attempt, 2);
    });
}

TEST(transaction, does_not_repeat_for_a_failure_that_a_savepoint_undid)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        int attempt = 0;
        EXPECT_TRUE(co_await throws<std::runtime_error>(main.transaction([&]() -> asio::awaitable<void> {
            ++attempt;
            EXPECT_TRUE(co_await throws<deadlock_detected>(
                main.transaction([&]() -> asio::awaitable<void> { co_await say(main, "FAIL 40P01"); })));
            throw std::runtime_error("something else");
        })));
        EXPECT_EQ(attempt, 1);
    });
}

TEST(transaction, gives_up_after_max_attempts)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        int attempts = 0;
        const auto body = [&]() -> asio::awaitable<void> {
            ++attempts;
            co_await say(main, "FAIL 40001");
        };
        EXPECT_TRUE(co_await throws<serialization_failure>(main.transaction(body)));
        EXPECT_EQ(attempts, 5);
        attempts = 0;
        EXPECT_TRUE(co_await throws<serialization_failure>(main.transaction(body, {.max_attempts = 1})));
        EXPECT_EQ(attempts, 1);
    });
}

TEST(transaction, repeats_when_the_commit_itself_is_refused)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        int commits = 0;
        w.server.on_command = [&](fake_server::connection& on, const std::string& command) {
            if (command != "COMMIT" || ++commits > 1)
                return;
            on.abort_transaction();
            std::rethrow_exception(test::server_error_of("40001"));
        };
        int attempts = 0;
        co_await main.transaction([&]() -> asio::awaitable<void> {
            ++attempts;
            co_await say(main, "a");
        });
        EXPECT_EQ(attempts, 2);
    });
}

// --- lost connections ------------------------------------------------------------------------------

TEST(transaction, a_connection_lost_before_the_commit_is_a_connection_error)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        const auto body = [&]() -> asio::awaitable<void> {
            co_await say(main, "a");
            w.server.open_connections.front()->close();
        };
        EXPECT_TRUE(co_await throws<connection_error>(main.transaction(body, {.max_attempts = 1})));
        EXPECT_EQ(w.server.log(), "1:BEGIN | 1:a");
    });
}

TEST(transaction, a_connection_lost_after_the_commit_was_sent_leaves_it_unknown)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        w.server.on_command = [](fake_server::connection& on, const std::string& command) {
            if (command == "COMMIT")
                on.close();
        };
        std::exception_ptr thrown;
        int attempts = 0;
        try {
            co_await main.transaction([&]() -> asio::awaitable<void> {
                ++attempts;
                co_await say(main, "a");
            });
        }
        catch (const commit_unknown& e) {
            EXPECT_EQ(e.code(), pg::disposition::in_doubt);
            EXPECT_EQ(e.backend_pid(), 1);
            EXPECT_THAT(what_of(e.cause()), HasSubstr("closed"));
            thrown = std::current_exception();
        }
        EXPECT_TRUE(thrown);
        EXPECT_EQ(attempts, 1);
    });
}

TEST(transaction, a_commit_without_an_answer_in_time_leaves_it_unknown)
{
    world w;
    auto options = sized(2);
    options.command_timeout = 1ms;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            w.server.on_command = [](fake_server::connection& on, const std::string& command) {
                if (command == "COMMIT")
                    on.hold_next("ever");
            };
            EXPECT_TRUE(co_await throws<commit_unknown>(
                main.transaction([&]() -> asio::awaitable<void> { co_await say(main, "a"); })));
        },
        options);
}

TEST(transaction, a_rollback_without_an_answer_in_time_closes_the_connection)
{
    world w;
    auto options = sized(2);
    options.rollback_timeout = 1ms;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            w.server.on_command = [](fake_server::connection& on, const std::string& command) {
                if (command == "ROLLBACK")
                    on.hold_next("ever");
            };
            EXPECT_TRUE(co_await throws<std::logic_error>(main.transaction([&]() -> asio::awaitable<void> {
                co_await say(main, "a");
                throw std::logic_error("no");
            })));
            EXPECT_TRUE(w.server.open_connections.empty());
        },
        options);
}

// --- cancellation and limits -----------------------------------------------------------------------

TEST(transaction, a_cancelled_body_is_rolled_back)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        test::gate never;
        asio::cancellation_signal cancel;
        std::exception_ptr thrown;
        const auto whole = [&]() -> asio::awaitable<void> {
            co_await main.transaction([&]() -> asio::awaitable<void> {
                co_await say(main, "a");
                co_await main.transaction([&]() -> asio::awaitable<void> {
                    co_await say(main, "b");
                    (void)co_await never.wait();
                    co_await settle();
                });
            });
        };
        asio::co_spawn(
            co_await asio::this_coro::executor, whole,
            asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr e) { thrown = std::move(e); }));
        while (never.waiting() == 0)
            co_await settle(1);
        cancel.emit(asio::cancellation_type::terminal);
        co_await settle();
        EXPECT_THROW(std::rethrow_exception(thrown), boost::system::system_error);
        EXPECT_EQ(
            w.server.log(), "1:BEGIN | 1:a | 1:SAVEPOINT tradecore_1 | 1:b | 1:ROLLBACK TO SAVEPOINT tradecore_1 | "
                            "1:RELEASE SAVEPOINT tradecore_1 | 1:ROLLBACK");
    });
}

TEST(transaction, cancelling_during_the_commit_changes_nothing)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        w.server.on_command = [](fake_server::connection& on, const std::string& command) {
            if (command == "COMMIT")
                on.hold_next("commit");
        };
        asio::cancellation_signal cancel;
        int result = 0;
        const auto whole = [&]() -> asio::awaitable<void> {
            result = co_await main.transaction([&]() -> asio::awaitable<int> {
                co_await say(main, "a");
                co_return 9;
            });
        };
        bool ended = false;
        asio::co_spawn(
            co_await asio::this_coro::executor, whole,
            asio::bind_cancellation_slot(cancel.slot(), [&](const std::exception_ptr&) { ended = true; }));
        while (w.server.held("commit").waiting() == 0)
            co_await settle(1);
        cancel.emit(asio::cancellation_type::terminal);
        co_await settle();
        EXPECT_FALSE(ended);
        w.server.held("commit").open();
        co_await settle();
        EXPECT_TRUE(ended);
        EXPECT_EQ(result, 9);
    });
}

// --- outside ---------------------------------------------------------------------------------------

TEST(transaction, outside_uses_another_connection)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        co_await main.transaction([&]() -> asio::awaitable<void> {
            co_await say(main, "a");
            const int result = co_await main.outside([&]() -> asio::awaitable<int> {
                co_await say(main, "b");
                co_await main.transaction([&]() -> asio::awaitable<void> { co_await say(main, "c"); });
                co_return 2;
            });
            EXPECT_EQ(result, 2);
            co_await say(main, "d");
        });
        EXPECT_EQ(w.server.log(), "1:BEGIN | 1:a | 2:b | 2:BEGIN | 2:c | 2:COMMIT | 1:d | 1:COMMIT");
    });
}

TEST(transaction, outside_is_refused_when_it_could_only_wait_for_itself)
{
    world w;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            const auto body = [&]() -> asio::awaitable<void> { co_await say(main, "b"); };
            co_await main.transaction([&]() -> asio::awaitable<void> {
                co_await main.outside([&]() -> asio::awaitable<void> {
                    co_await main.transaction([&]() -> asio::awaitable<void> {
                        EXPECT_TRUE(co_await throws<waits_for_itself>(main.outside(body)));
                    });
                });
            });
        },
        sized(2));
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            co_await main.transaction([&]() -> asio::awaitable<void> {
                EXPECT_TRUE(
                    co_await throws<waits_for_itself>(main.outside([]() -> asio::awaitable<void> { co_return; })));
            });
        },
        sized(1));
}

// --- the log ---------------------------------------------------------------------------------------

TEST(transaction, a_long_one_is_logged_with_its_idle_time)
{
    auto options = sized(2);
    options.long_transaction = 1ms;
    world w;
    const observe::capture log;
    w.run(
        [&](database& main) -> asio::awaitable<void> {
            co_await main.transaction(
                [&]() -> asio::awaitable<void> {
                    co_await say(main, "a");
                    asio::steady_timer timer(co_await asio::this_coro::executor, 5ms);
                    co_await timer.async_wait(asio::use_awaitable);
                },
                {.name = "sleepy"});
            const auto entries = log.entries();
            EXPECT_EQ(entries.size(), 1U);
            EXPECT_THAT(
                entries.at(0).message,
                testing::MatchesRegex("\\[LONG TRANSACTION\\] main transaction took [0-9]+ms \\(threshold: 1ms\\)"));
            EXPECT_EQ(entries.at(0).value("transaction"), "sleepy");
            EXPECT_EQ(entries.at(0).value("statements"), "1");
            EXPECT_GE(std::stoi(entries.at(0).value("idle_ms")), 4);
        },
        options);
}

TEST(transaction, a_slow_query_is_logged_with_its_arguments_unless_switched_off)
{
    auto options = sized(2);
    options.slow_query = 1ms;
    world w;
    const observe::capture log;
    const auto slow = [&](database& main) -> asio::awaitable<void> {
        asio::steady_timer timer(co_await asio::this_coro::executor, 5ms);
        timer.async_wait([&](boost::system::error_code) { w.server.held("it").open(); });
        (void)co_await main.fetch(runtime_sql("HOLD it"), "active");
    };
    w.run(slow, options);
    w.server.held("it").close();
    options.log_arguments = false;
    w.run(slow, options);
    const auto lines = log.messages();
    EXPECT_EQ(lines.size(), 2U);
    EXPECT_THAT(
        lines.at(0), testing::MatchesRegex("\\[SLOW QUERY\\] main FETCH took [0-9]+ms: HOLD it \\| args: 'active'"));
    EXPECT_THAT(lines.at(1), testing::MatchesRegex("\\[SLOW QUERY\\] main FETCH took [0-9]+ms: HOLD it"));
}

// --- the handle ------------------------------------------------------------------------------------

TEST(database, options_of_a_call_outlive_the_object_they_were_given_to)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        auto kept = main.with({.name = "kept"}).execute("a");
        co_await settle();
        (void)co_await std::move(kept);
        EXPECT_EQ(w.server.log(), "1:a");
    });
}

TEST(database, that_is_not_there_says_so)
{
    test::run([]() -> asio::awaitable<void> {
        database closed("main");
        EXPECT_TRUE(co_await throws<database_closed>(say(closed, "a")));
        EXPECT_TRUE(co_await throws<database_closed>(closed.transaction([]() -> asio::awaitable<void> { co_return; })));
        EXPECT_THROW((void)closed.pool(), database_closed);
        auto off = database::disabled("vb", "ENABLE_VB_DATABASE is false");
        std::exception_ptr thrown;
        try {
            co_await say(off, "a");
        }
        catch (const database_disabled&) {
            thrown = std::current_exception();
        }
        EXPECT_EQ(what_of(thrown), "database 'vb' is switched off: ENABLE_VB_DATABASE is false");
        const auto health = co_await off.health_check();
        EXPECT_FALSE(health.reachable);
        EXPECT_THAT(health.error, HasSubstr("switched off"));
    });
}

// --- every suspension point ------------------------------------------------------------------------

asio::awaitable<void> some_work(database& main, test::gate& until)
{
    co_await main.transaction([&]() -> asio::awaitable<void> {
        co_await say(main, "a");
        co_await main.transaction([&]() -> asio::awaitable<void> {
            co_await when_all(say(main, "b"), say(main, "c"));
            (void)co_await until.wait();
        });
        co_await main.outside([&]() -> asio::awaitable<void> { co_await say(main, "d"); });
    });
    co_await say(main, "e");
}

TEST(transaction, leaves_no_trace_when_cancelled_at_any_step)
{
    bool interrupted = true;
    int step = 0;
    for (; interrupted; ++step) {
        fake_server server;
        asio::io_context context;
        database main(context.get_executor(), sized(2), server.make_connector());
        test::gate until;
        until.open();
        test::stepped opening{context, {}, false, nullptr};
        opening.start(main.open());
        opening.finish();
        test::stepped work{context, {}, false, nullptr};
        work.start(some_work(main, until));
        interrupted = work.turn(step);
        work.cancel.emit(asio::cancellation_type::terminal);
        work.finish();
        ASSERT_TRUE(work.ended) << step;
        test::stepped again{context, {}, false, nullptr};
        again.start(some_work(main, until));
        again.finish();
        ASSERT_FALSE(again.error) << step << ": " << what_of(again.error);
        context.poll();
        ASSERT_EQ(main.pool_stats().active, 0U) << step;
        ASSERT_EQ(main.pool_stats().waiting, 0U) << step;
        for (const auto* connection : server.open_connections)
            ASSERT_EQ(connection->status(), pg::transaction_status::idle) << step;
        test::stepped closing{context, {}, false, nullptr};
        closing.start(main.close(1s));
        closing.finish();
        ASSERT_TRUE(server.open_connections.empty()) << step;
    }
    EXPECT_GT(step, 20);
}

TEST(transaction, its_loop_may_be_destroyed_at_any_step)
{
    bool interrupted = true;
    int step = 0;
    for (; interrupted; ++step) {
        fake_server server;
        std::optional<database> main;
        test::gate until;
        until.open();
        {
            asio::io_context context;
            main.emplace(context.get_executor(), sized(4), server.make_connector());
            const auto all = [&]() -> asio::awaitable<void> {
                co_await main->open();
                asio::co_spawn(context, some_work(*main, until), asio::detached);
                co_await some_work(*main, until);
            };
            test::stepped whole{context, {}, false, nullptr};
            whole.start(all());
            interrupted = whole.turn(step);
        }
        ASSERT_TRUE(server.open_connections.empty()) << step;
    }
    EXPECT_GT(step, 20);
}

} // namespace
} // namespace tradecore
