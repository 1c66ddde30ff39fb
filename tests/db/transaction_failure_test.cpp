// SPDX-License-Identifier: Apache-2.0
#include "db/support/database_world.hpp"
#include "db/support/started_call.hpp"
#include "support/errors.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/errors.hpp>

#include <boost/asio/co_spawn.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <exception>
#include <stdexcept>
#include <string>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::fake_server;
using test::quiet_options;
using test::say;
using test::settle;
using test::throws;
using test::until;
using test::what_of;
using testing::HasSubstr;
using world = test::database_world;

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
    auto options = quiet_options(2);
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
    auto options = quiet_options(2);
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

// --- cancellation ----------------------------------------------------------------------------------

TEST(transaction, a_cancelled_body_is_rolled_back)
{
    world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        test::gate never;
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
        test::started_call call(co_await asio::this_coro::executor, whole());
        co_await until([&] { return never.waiting() > 0; });
        call.cancel();
        co_await settle();
        EXPECT_THROW(std::rethrow_exception(call.error()), boost::system::system_error);
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
        int result = 0;
        const auto whole = [&]() -> asio::awaitable<void> {
            result = co_await main.transaction([&]() -> asio::awaitable<int> {
                co_await say(main, "a");
                co_return 9;
            });
        };
        test::started_call call(co_await asio::this_coro::executor, whole());
        co_await until([&] { return w.server.held("commit").waiting() > 0; });
        call.cancel();
        co_await settle();
        EXPECT_FALSE(call.has_ended());
        w.server.held("commit").open();
        co_await settle();
        EXPECT_TRUE(call.has_ended());
        EXPECT_EQ(result, 9);
    });
}

} // namespace
} // namespace tradecore
