// SPDX-License-Identifier: Apache-2.0
#include "../support/backend.hpp"
#include "../support/scripted_server.hpp"

#include <tradecore/errors.hpp>
#include <tradecore/pg/connection.hpp>

#include <gtest/gtest.h>

#include <exception>
#include <string>
#include <vector>

namespace {

using namespace tradecore;
using namespace tradecore::test;
namespace asio = boost::asio;

asio::awaitable<void> ask(std::string host)
{
    pg::connect_options options;
    options.hosts = {{.host = std::move(host), .hostaddr = {}, .port = 5432}};
    options.tls.mode = pg::ssl_mode::disable;
    options.user = "trader";
    const auto on = co_await pg::connection::connect(co_await asio::this_coro::executor, options);
    (void)co_await on->execute("SELECT 1");
}

/// @returns what a statement ends with that is answered by `said` and the end of the connection.
std::exception_ptr end_after(std::string said)
{
    const auto greeting = backend::authentication_ok() + backend::key(1, 2) + backend::ready();
    asio::io_context context(1);
    scripted_server server(context, {greeting, std::move(said)}, {});
    std::exception_ptr ended;
    asio::co_spawn(context, ask(server.host()), [&](const std::exception_ptr& error) {
        ended = error;
        context.stop();
    });
    context.run();
    return ended;
}

TEST(last_warning, says_why_a_session_ended)
{
    const auto crashed =
        end_after(backend::diagnostics('N', "WARNING", "57P02", "terminating connection because of crash"));
    EXPECT_THROW(std::rethrow_exception(crashed), crash_shutdown);
    const auto stopped = end_after(
        backend::diagnostics('N', "WARNING", "57P01", "terminating connection due to immediate shutdown command"));
    EXPECT_THROW(std::rethrow_exception(stopped), admin_shutdown);
}

TEST(last_warning, is_nothing_when_it_warned_of_something_else)
{
    const auto lost = end_after(backend::notice("01000", "the weather changes"));
    EXPECT_THROW(std::rethrow_exception(lost), pg::connection_error);
}

TEST(last_warning, is_forgotten_when_the_session_goes_on)
{
    // A function may raise such a warning; what ends the session later is another matter.
    const auto lost = end_after(
        backend::diagnostics('N', "WARNING", "57P02", "only said") + backend::parse_complete() +
        backend::parameters({}) + backend::columns({{"n", 23}}, 0) + backend::ready());
    EXPECT_THROW(std::rethrow_exception(lost), pg::connection_error);
}

} // namespace
