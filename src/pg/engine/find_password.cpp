// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/find_password.hpp"

#include "pg/conninfo/passfile.hpp"
#include "pg/engine/connect_failure.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace tradecore::pg::engine {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// A question to the provider. It may outlive who asked: a provider need not heed a cancellation.
struct question {
    question(const asio::any_io_executor& executor, password_provider asked)
        : provider(std::move(asked)), answered(executor)
    {}

    password_provider provider; // a lambda's coroutine uses what it captured
    asio::steady_timer answered;
    asio::cancellation_signal stop;
    bool over = false;
    std::exception_ptr failure;
    auth::secret password;
};

void ask(const asio::any_io_executor& executor, const std::shared_ptr<question>& asked, host_address host)
{
    auto take_answer = [asked](std::exception_ptr failure, std::string password) {
        asked->over = true;
        asked->failure = std::move(failure);
        asked->password = auth::secret(std::move(password));
        asked->answered.cancel();
    };
    asio::co_spawn(
        executor, asked->provider(std::move(host)),
        asio::bind_cancellation_slot(asked->stop.slot(), std::move(take_answer)));
}

asio::awaitable<auth::secret> ask_provider(
    asio::any_io_executor executor, password_provider provider, host_address host, std::string server,
    std::chrono::steady_clock::time_point deadline)
{
    const auto asked = std::make_shared<question>(executor, std::move(provider));
    asked->answered.expires_at(deadline);
    ask(executor, asked, std::move(host));
    error_code woken;
    if (!asked->over)
        co_await asked->answered.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    if (!asked->over) {
        asked->stop.emit(asio::cancellation_type::terminal);
        if (woken)
            throw_cannot_connect(server, {}, woken); // the caller's own cancellation
        throw too_slow(server, "asking for the password");
    }
    if (asked->failure)
        std::rethrow_exception(asked->failure);
    co_return std::move(asked->password);
}

} // namespace

asio::awaitable<found_password> find_password(
    asio::any_io_executor executor, std::shared_ptr<const connect_options> options, host_address host,
    std::chrono::steady_clock::time_point deadline)
{
    found_password found;
    if (!options->password.empty()) {
        found.password = auth::secret(options->password);
    }
    else if (options->provide_password) {
        found.password =
            co_await ask_provider(executor, options->provide_password, host, options->describe(host), deadline);
    }
    if (found.password.empty() && !options->passfile.empty()) {
        auto answer = conninfo::look_up_password(*options, host);
        found.password = auth::secret(std::move(answer.password).value_or(""));
        found.note = std::move(answer.ignored);
    }
    co_return found;
}

} // namespace tradecore::pg::engine
