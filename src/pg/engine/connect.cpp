// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/connect.hpp"

#include "pg/engine/connect_failure.hpp"
#include "pg/engine/host_attempt.hpp"
#include "pg/engine/shuffle.hpp"

#include <tradecore/pg/error.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>
#include <vector>

namespace tradecore::pg::engine {

namespace asio = boost::asio;

namespace {

/// A session that would do if no better one is found; says goodbye unless it is taken.
class second_choice {
public:
    second_choice() = default;
    second_choice(const second_choice&) = delete;
    second_choice& operator=(const second_choice&) = delete;
    second_choice(second_choice&&) = delete;
    second_choice& operator=(second_choice&&) = delete;
    ~second_choice()
    {
        if (session_)
            session_->terminate();
    }

    void keep(std::shared_ptr<link> session) { session_ = std::move(session); }
    /// @returns the session when there is one and it still lives.
    [[nodiscard]] std::shared_ptr<link> take()
    {
        return session_ && session_->is_open() ? std::exchange(session_, nullptr) : nullptr;
    }
    [[nodiscard]] bool empty() const noexcept { return !session_; }

private:
    std::shared_ptr<link> session_;
};

std::exception_ptr unwanted_host(const connect_options& options, const host_address& host, const std::string& why)
{
    return std::make_exception_ptr(connection_error(
        client_errc::cannot_connect,
        "cannot use " + options.describe(host) + ": the server " + why + ", against target_session_attrs"));
}

asio::awaitable<std::shared_ptr<link>> connect_here(asio::any_io_executor executor, connect_options given)
{
    const auto options = std::make_shared<const connect_options>(std::move(given));
    auto hosts = options->hosts;
    if (options->load_balancing == load_balance::random)
        shuffle(hosts);

    second_choice second;
    std::vector<std::exception_ptr> failures;
    for (const auto& host : hosts) {
        auto outcome = co_await try_host(executor, options, host);
        if (outcome.session && outcome.unwanted.empty())
            co_return outcome.session;
        if (outcome.session) {
            outcome.failure = unwanted_host(*options, host, outcome.unwanted);
            if (options->target_session == target_session_attributes::prefer_standby && second.empty())
                second.keep(outcome.session);
            else
                outcome.session->terminate();
        }
        failures.push_back(outcome.failure);
        if (!is_worth_another_host(outcome.failure))
            break;
    }
    if (is_about_host(failures.back())) {
        if (auto session = second.take())
            co_return session;
    }
    throw_together("no host of " + std::to_string(hosts.size()) + " will do", failures);
}

} // namespace

asio::awaitable<std::shared_ptr<link>> connect(asio::any_io_executor executor, connect_options options)
{
    options.validate();
    // On the socket's executor from the first step on, whoever asks for the connection.
    co_return co_await asio::co_spawn(executor, connect_here(executor, std::move(options)), asio::use_awaitable);
}

} // namespace tradecore::pg::engine
