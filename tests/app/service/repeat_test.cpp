// SPDX-License-Identifier: Apache-2.0
#include "service/repeat.hpp"
#include "support/errors.hpp"
#include "support/run.hpp"

#include <tradecore/db/errors.hpp>
#include <tradecore/events/errors.hpp>
#include <tradecore/observe/capture.hpp>
#include <tradecore/pg/error.hpp>
#include <tradecore/pg/server_error.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <gtest/gtest.h>

#include <deque>

namespace {

using namespace std::chrono_literals;
using namespace tradecore;
using namespace tradecore::app::service;

namespace asio = boost::asio;

template <class Error>
std::exception_ptr made(Error error)
{
    return std::make_exception_ptr(std::move(error));
}

std::exception_ptr lost_connection()
{
    return made(pg::connection_error(pg::client_errc::connection_closed, "the connection is gone"));
}

std::exception_ptr open_circuit(std::chrono::steady_clock::duration come_again_in)
{
    return made(circuit_open("the circuit is open", come_again_in, nullptr));
}

std::exception_ptr answered_with(std::string_view state)
{
    pg::diagnostics said;
    said.code = pg::sqlstate::parse(state).value();
    return pg::make_server_error(std::move(said), "SELECT 1");
}

// Fails as it is told, and is then answered.
struct call {
    std::deque<std::exception_ptr> failures;
    int attempts = 0;

    asio::awaitable<int> operator()()
    {
        ++attempts;
        if (!failures.empty()) {
            const auto next = failures.front();
            failures.pop_front();
            std::rethrow_exception(next);
        }
        co_return 7;
    }
};

asio::awaitable<int> answer_of(repeater& by, call& what)
{
    return until_answered(by, [&what] { return what(); });
}

constexpr patience quick{.limit = 60s, .pauses = {.base = 1ms, .cap = 1ms, .jitter = 1}};

TEST(repeated_calls, are_those_that_may_be_answered_later)
{
    for (const auto& passing :
         {lost_connection(), open_circuit(1s),
          made(pg::connection_error(pg::client_errc::cannot_connect, "no such socket")),
          made(pool_timeout(db_errc::pool_exhausted, "all are busy")),
          made(pool_timeout(db_errc::pool_cannot_connect, "refused")),
          made(commit_unknown("no answer to COMMIT", 1, lost_connection())),
          made(pg::timeout_error("no answer within 1 s")), answered_with("57P01"), answered_with("57P03"),
          answered_with("40001"), answered_with("57014"), answered_with("53300"), answered_with("25006")})
        EXPECT_TRUE(may_be_answered_later(passing)) << test::what_of(passing);
    for (const auto& final :
         {answered_with("23505"), answered_with("42P01"), answered_with("28P01"), made(database_closed("closed")),
          made(std::runtime_error("something else")),
          made(events::wrong_expected_version("stream", events::expected_version::any(), 1)),
          made(boost::system::system_error(asio::error::operation_aborted))})
        EXPECT_FALSE(may_be_answered_later(final)) << test::what_of(final);
}

TEST(repeated_calls, are_made_until_they_are_answered_and_counted)
{
    const observe::capture log;
    test::run([&]() -> asio::awaitable<void> {
        repeater by("calls", quick);
        call trouble{.failures = {lost_connection(), answered_with("57P03"), open_circuit(1ms)}};
        EXPECT_EQ(co_await answer_of(by, trouble), 7);
        EXPECT_EQ(trouble.attempts, 4);
        call none;
        EXPECT_EQ(co_await answer_of(by, none), 7);
        EXPECT_EQ(by.made().calls, 1U);
        EXPECT_EQ(by.made().attempts, 3U);
        EXPECT_GE(by.made().longest, 1ms); // the breaker asked for that
    });
    // Said once when it begins, and once when it ends.
    EXPECT_EQ(log.messages(observe::level::warn).size(), 1U);
    EXPECT_EQ(log.messages(observe::level::info).size(), 2U);
}

TEST(repeated_calls, end_with_their_error_when_repeating_cannot_help)
{
    test::run([]() -> asio::awaitable<void> {
        repeater by("calls", quick);
        call wrong{.failures = {answered_with("23505")}};
        const auto error = co_await test::error_of(answer_of(by, wrong));
        EXPECT_TRUE(test::is<pg::server_error>(error)) << test::what_of(error);
        EXPECT_EQ(wrong.attempts, 1);
        EXPECT_EQ(by.made().attempts, 0U);
    });
}

TEST(repeated_calls, run_out_of_patience_and_say_what_went_wrong)
{
    const observe::capture log;
    test::run([]() -> asio::awaitable<void> {
        repeater by("commands of nobody", {.limit = 0ms});
        call trouble{.failures = {lost_connection(), lost_connection()}};
        const auto error = co_await test::error_of(answer_of(by, trouble));
        EXPECT_TRUE(test::is<out_of_patience>(error));
        const auto text = test::what_of(error);
        EXPECT_TRUE(text.starts_with("commands of nobody were not answered for ")) << text;
        EXPECT_TRUE(text.ends_with("tried 1 times; the last error: the connection is gone")) << text;
    });
}

TEST(repeated_calls, are_tried_a_last_time_at_their_limit)
{
    const observe::capture log;
    test::run([]() -> asio::awaitable<void> {
        repeater by("calls", {.limit = 20ms, .pauses = {.base = 1h, .cap = 1h, .jitter = 0}});
        call trouble{.failures = {open_circuit(1h)}};
        EXPECT_EQ(co_await answer_of(by, trouble), 7);
        EXPECT_EQ(trouble.attempts, 2);
    });
}

} // namespace
