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

asio::awaitable<pg::result>
ask(std::string host, std::shared_ptr<std::unique_ptr<pg::connection>> opened, std::chrono::milliseconds timeout)
{
    pg::connect_options options;
    options.hosts = {{.host = std::move(host), .hostaddr = {}, .port = 5432}};
    options.tls.mode = pg::ssl_mode::disable;
    options.user = "trader";
    options.cancel_timeout = 30ms;
    *opened = co_await pg::connection::connect(co_await asio::this_coro::executor, options);
    co_return co_await (*opened)->run(
        {.sql = {"SELECT slow()", nullptr}, .arguments = {}, .options = {.timeout = timeout}});
}

struct outcome {
    std::exception_ptr error;
    bool open = false;
    std::size_t rows = 0;
};

/// @param greeting of a server that takes requests to cancel and never closes their socket, as it never ends a
/// statement.
outcome run_against(std::string greeting)
{
    const auto prepared = backend::parse_complete() + backend::parameters({}) + backend::columns({{"n", 23}}, 0);
    std::vector<std::string> replies = {
        std::move(greeting), prepared + backend::ready(), backend::bind_complete(), "waits for more that never comes"};
    asio::io_context context(1);
    scripted_server server(context, std::move(replies), {});
    const auto opened = std::make_shared<std::unique_ptr<pg::connection>>();
    task<pg::result> asking(context.get_executor(), ask(server.host(), opened, 20ms));
    outcome seen;
    asio::co_spawn(context, asking.result(), [&](const std::exception_ptr& error, pg::result rows) {
        seen.error = error;
        seen.open = (*opened)->is_open();
        seen.rows = rows.size();
        context.stop();
    });
    context.run();
    return seen;
}

TEST(unanswered_cancel, closes_the_connection_when_its_limit_has_passed)
{
    const auto seen = run_against(backend::authentication_ok() + backend::key(1, 2) + backend::ready());
    ASSERT_TRUE(seen.error);
    EXPECT_THROW(std::rethrow_exception(seen.error), pg::timeout_error);
    EXPECT_FALSE(seen.open);
}

TEST(unanswered_cancel, closes_at_once_what_it_cannot_ask_to_stop)
{
    const auto seen = run_against(backend::authentication_ok() + backend::ready());
    ASSERT_TRUE(seen.error);
    EXPECT_THROW(std::rethrow_exception(seen.error), pg::timeout_error);
    EXPECT_FALSE(seen.open);
}

} // namespace
