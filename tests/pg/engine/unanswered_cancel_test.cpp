// SPDX-License-Identifier: Apache-2.0
#include "../support/backend.hpp"
#include "../support/scripted_server.hpp"
#include "../support/task.hpp"

#include <tradecore/pg/connection.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using namespace tradecore;
using namespace tradecore::test;
namespace asio = boost::asio;

using opened_ptr = std::shared_ptr<std::unique_ptr<pg::connection>>;

asio::awaitable<void> open(std::string host, opened_ptr opened)
{
    pg::connect_options options;
    options.hosts = {{.host = std::move(host), .hostaddr = {}, .port = 5432}};
    options.tls.mode = pg::ssl_mode::disable;
    options.user = "trader";
    options.cancel_timeout = 30ms;
    *opened = co_await pg::connection::connect(co_await asio::this_coro::executor, options);
}

asio::awaitable<void> ask(std::string host, opened_ptr opened)
{
    co_await open(std::move(host), opened);
    (void)co_await (*opened)->run({.sql = {"SELECT slow()", nullptr}, .arguments = {}, .options = {.timeout = 300ms}});
}

asio::awaitable<void> ask_much(std::string host, opened_ptr opened)
{
    co_await open(std::move(host), opened);
    pg::batch todo;
    todo.options.timeout = 300ms;
    (void)todo.add<int>("SELECT slow()");
    (void)todo.add<int>("SELECT slower()");
    (void)co_await (*opened)->run(std::move(todo));
}

struct outcome {
    std::exception_ptr error;
    bool open = false;
};

/// @param greeting of a server that takes requests to cancel and never closes their socket, as it never ends a
/// statement.
/// @param answers that it gives before.
outcome run_against(
    std::string greeting, std::vector<std::string> answers, asio::awaitable<void> (*asks)(std::string, opened_ptr))
{
    answers.insert(answers.begin(), std::move(greeting));
    answers.emplace_back("waits for more that never comes");
    asio::io_context context(1);
    scripted_server server(context, std::move(answers), {});
    const auto opened = std::make_shared<std::unique_ptr<pg::connection>>();
    task<void> asking(context.get_executor(), asks(server.host(), opened));
    outcome seen;
    asio::co_spawn(context, asking.result(), [&](const std::exception_ptr& error) {
        seen.error = error;
        seen.open = (*opened)->is_open();
        context.stop();
    });
    context.run();
    return seen;
}

std::vector<std::string> half_an_answer()
{
    const auto prepared = backend::parse_complete() + backend::parameters({}) + backend::columns({{"n", 23}}, 0);
    return {prepared + backend::ready(), backend::bind_complete()};
}

std::string greeting()
{
    return backend::authentication_ok() + backend::key(1, 2) + backend::ready();
}

TEST(unanswered_cancel, closes_the_connection_when_its_limit_has_passed)
{
    const auto seen = run_against(greeting(), half_an_answer(), ask);
    ASSERT_TRUE(seen.error);
    EXPECT_THROW(std::rethrow_exception(seen.error), pg::timeout_error);
    EXPECT_FALSE(seen.open);
}

TEST(unanswered_cancel, closes_at_once_what_it_cannot_ask_to_stop)
{
    const auto seen = run_against(backend::authentication_ok() + backend::ready(), half_an_answer(), ask);
    ASSERT_TRUE(seen.error);
    EXPECT_THROW(std::rethrow_exception(seen.error), pg::timeout_error);
    EXPECT_FALSE(seen.open);
}

TEST(unanswered_cancel, ends_a_batch_with_its_time_while_it_is_prepared)
{
    const auto seen = run_against(greeting(), {""}, ask_much);
    ASSERT_TRUE(seen.error);
    EXPECT_THROW(std::rethrow_exception(seen.error), pg::timeout_error);
    EXPECT_FALSE(seen.open);
}

} // namespace
