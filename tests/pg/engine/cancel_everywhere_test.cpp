// SPDX-License-Identifier: Apache-2.0
#include "../support/scenarios.hpp"
#include "../support/task.hpp"
#include "../support/toy_server.hpp"

#include <tradecore/pg/connection.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

namespace {

using namespace tradecore;
using namespace tradecore::test;
namespace asio = boost::asio;

// For what never comes; nothing is measured.
constexpr std::chrono::seconds patience{20};

asio::awaitable<std::unique_ptr<pg::connection>> connect_to(std::string host)
{
    pg::connect_options options;
    options.hosts = {{.host = std::move(host)}};
    options.user = "trader";
    options.password = "pencil";
    options.connect_timeout = std::chrono::minutes(1);
    options.cancel_timeout = std::chrono::minutes(1);
    co_return co_await pg::connection::connect(co_await asio::this_coro::executor, options);
}

asio::awaitable<std::string> run_on(std::shared_ptr<pg::connection> on, scenario which)
{
    co_return co_await which.run(*on);
}

asio::awaitable<std::int32_t> ask_again(std::shared_ptr<pg::connection> on)
{
    co_return co_await on->fetchval<std::int32_t>("SELECT again");
}

/// Runs the context until a task has ended. @returns whether it has.
template <class T>
bool finish(asio::io_context& context, const task<T>& awaited)
{
    while (!awaited.has_ended() && context.run_one_for(patience) > 0) {
    }
    return awaited.has_ended();
}

/// @returns what a task that has ended gave; throws what it threw.
template <class T>
T take(asio::io_context& context, task<T>& ended)
{
    std::exception_ptr error;
    std::optional<T> value;
    asio::co_spawn(context, ended.result(), [&](const std::exception_ptr& thrown, T given) {
        error = thrown;
        value = std::move(given);
    });
    while (!error && !value && context.run_one_for(patience) > 0) {
    }
    if (error)
        std::rethrow_exception(error);
    return std::move(value).value();
}

enum class course { ended_before, cancelled };

/// Lets `handlers` handlers run, or as many as there are while nobody else has to act, then cancels.
template <class T>
course run_and_cancel(asio::io_context& context, task<T>& running, std::size_t handlers, bool& stands_still)
{
    for (std::size_t i = 0; i < handlers && !running.has_ended(); ++i) {
        if (context.poll_one() == 0) {
            stands_still = true;
            break;
        }
    }
    if (running.has_ended())
        return course::ended_before;
    running.cancel();
    return course::cancelled;
}

bool is_aborted(const boost::system::system_error& error)
{
    return error.code() == asio::error::operation_aborted;
}

class cancelled_scenario : public testing::TestWithParam<scenario> {
protected:
    /// Cancels after the n-th handler. @returns whether a later point is left to try.
    bool cancel_after(std::size_t handlers, std::size_t stalls_at)
    {
        asio::io_context context(1);
        toy_server server(context, stalls_at);
        task<std::unique_ptr<pg::connection>> connecting(context.get_executor(), connect_to(server.host()));
        if (!finish(context, connecting)) {
            ADD_FAILURE() << "no connection";
            return false;
        }
        const std::shared_ptr<pg::connection> connection = take(context, connecting);
        task<std::string> running(context.get_executor(), run_on(connection, GetParam()));
        bool stands_still = false;
        const auto how = run_and_cancel(context, running, handlers, stands_still);
        EXPECT_TRUE(finish(context, running)) << "hangs";
        if (!running.has_ended())
            return false;
        try {
            EXPECT_EQ(take(context, running), GetParam().result);
        }
        catch (const boost::system::system_error& error) {
            EXPECT_TRUE(how == course::cancelled && is_aborted(error)) << error.what();
        }
        catch (const std::exception& error) {
            ADD_FAILURE() << error.what();
        }
        server.backend().answer_everything();
        expect_usable_or_closed(context, connection);
        return how == course::cancelled && !stands_still;
    }

private:
    static void expect_usable_or_closed(asio::io_context& context, const std::shared_ptr<pg::connection>& connection)
    {
        if (!connection->is_open())
            return;
        task<std::int32_t> asking(context.get_executor(), ask_again(connection));
        EXPECT_TRUE(finish(context, asking)) << "hangs afterwards";
        if (!asking.has_ended())
            return;
        try {
            EXPECT_EQ(take(context, asking), 7);
        }
        catch (const pg::connection_error& error) {
            EXPECT_FALSE(connection->is_open()) << error.what();
        }
    }
};

TEST_P(cancelled_scenario, ends_at_every_point_when_the_server_answers)
{
    std::size_t handlers = 0;
    while (cancel_after(handlers, toy_backend::never) && !HasFailure())
        ++handlers;
    EXPECT_FALSE(HasFailure()) << "cancelled after " << handlers << " handlers";
    EXPECT_GT(handlers, 2U);
}

TEST_P(cancelled_scenario, ends_at_every_point_when_the_server_has_to_be_stopped)
{
    // Statement by statement; there are none of that number when nothing stands still any more.
    constexpr std::size_t most_statements = 8;
    for (std::size_t statement = 0; statement < most_statements && !HasFailure(); ++statement) {
        std::size_t handlers = 0;
        while (cancel_after(handlers, statement) && !HasFailure())
            ++handlers;
        EXPECT_FALSE(HasFailure()) << "cancelled after " << handlers << " handlers, statement " << statement;
    }
}

INSTANTIATE_TEST_SUITE_P(
    every_operation, cancelled_scenario, testing::ValuesIn(scenarios().begin(), scenarios().end()),
    [](const auto& info) { return std::string(info.param.name); });

TEST(cancelled_connect, ends_at_every_point)
{
    bool more = true;
    std::size_t handlers = 0;
    for (; more && !HasFailure(); ++handlers) {
        asio::io_context context(1);
        toy_server server(context);
        task<std::unique_ptr<pg::connection>> connecting(context.get_executor(), connect_to(server.host()));
        bool stands_still = false;
        more = run_and_cancel(context, connecting, handlers, stands_still) == course::cancelled;
        EXPECT_FALSE(stands_still);
        ASSERT_TRUE(finish(context, connecting)) << "hangs, cancelled after " << handlers << " handlers";
        try {
            EXPECT_TRUE(take(context, connecting)->is_open());
        }
        catch (const boost::system::system_error& error) {
            EXPECT_TRUE(more && is_aborted(error)) << error.what() << ", cancelled after " << handlers << " handlers";
        }
    }
    EXPECT_GT(handlers, 10U);
}

} // namespace
