// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/host_attempt.hpp"

#include "pg/engine/begin_session.hpp"
#include "pg/engine/connect_failure.hpp"
#include "pg/engine/handshake.hpp"
#include "pg/engine/resolve.hpp"
#include "pg/engine/session_kind.hpp"
#include "pg/engine/shuffle.hpp"

#include <tradecore/pg/error.hpp>

#include <utility>
#include <vector>

namespace tradecore::pg::engine {

namespace asio = boost::asio;
using endpoint = asio::generic::stream_protocol::endpoint;
using clock = exchange::clock;

namespace {

/// How one connection is encrypted.
enum class encryption { none, if_offered, required };

/// The connections that are tried one after the other, because the server refused the one before.
std::vector<encryption> plan(const connect_options& options, const host_address& host)
{
    if (host.is_unix_socket())
        return {encryption::none};
    switch (options.tls.mode) {
    case ssl_mode::disable:
        return {encryption::none};
    case ssl_mode::allow:
        return {encryption::none, encryption::required};
    case ssl_mode::prefer:
        return {encryption::if_offered, encryption::none};
    case ssl_mode::require:
    case ssl_mode::verify_ca:
    case ssl_mode::verify_full:
        break;
    }
    return {encryption::required};
}

/// One attempt at one host. Lives in the frame of the coroutine that waits for it.
class attempt {
public:
    attempt(asio::any_io_executor executor, std::shared_ptr<const connect_options> options, host_address host)
        : executor_(std::move(executor)), options_(std::move(options)), host_(std::move(host)),
          server_(options_->describe(host_)), deadline_(clock::now() + options_->connect_timeout)
    {}

    asio::awaitable<host_outcome> run()
    {
        host_outcome outcome;
        try {
            outcome.session = co_await find_session();
            outcome.unwanted = co_await why_unwanted(outcome.session, options_->target_session, deadline_);
        }
        catch (...) {
            outcome.failure = std::current_exception();
        }
        if (outcome.failure && outcome.session) {
            outcome.session->close(outcome.failure);
            outcome.session.reset();
        }
        co_return outcome;
    }

private:
    // Only an address that cannot be connected to leads to the next one: behind each is the same server.
    asio::awaitable<std::shared_ptr<link>> find_session()
    {
        auto addresses = co_await resolve(executor_, host_, server_, deadline_);
        if (options_->load_balancing == load_balance::random)
            shuffle(addresses);
        std::exception_ptr failure;
        for (std::size_t i = 0; i < addresses.size(); ++i) {
            // A silent address does not use up the time of those after it.
            const auto left = static_cast<int>(addresses.size() - i);
            const auto now = clock::now();
            const auto socket = co_await open(addresses[i], now + (deadline_ - now) / left, failure);
            if (socket)
                co_return co_await find_encryption(addresses[i], socket);
        }
        std::rethrow_exception(failure);
    }

    /// @returns null after having set `failure`.
    asio::awaitable<socket_ptr> open(endpoint address, clock::time_point until, std::exception_ptr& failure)
    {
        socket_ptr socket;
        try {
            socket = co_await open_socket(executor_, address, options_->tcp, server_, until);
        }
        catch (const error&) {
            failure = std::current_exception();
        }
        if (socket)
            require_peer(socket, options_->require_peer, server_);
        co_return socket;
    }

    /// @param socket the first of the connections that the plan may need.
    asio::awaitable<std::shared_ptr<link>> find_encryption(endpoint address, socket_ptr socket)
    {
        password_ = co_await find_password(executor_, options_, host_, deadline_);
        std::vector<std::exception_ptr> failures;
        for (const auto how : plan(*options_, host_)) {
            if (!socket)
                socket = co_await open_socket(executor_, address, options_->tcp, server_, deadline_);
            auto begun = co_await begin(std::exchange(socket, nullptr), address, how);
            if (begun.session)
                co_return begun.session;
            failures.push_back(begun.failure);
            if (!begun.refused_unknown)
                break;
        }
        throw_together("neither with nor without TLS", failures);
    }

    asio::awaitable<begun_session> begin(socket_ptr socket, endpoint address, encryption how)
    {
        tls_outcome tls;
        if (how != encryption::none) {
            tls.failure = prepare_tls(); // a wrong option or file is never a reason to go on without
            if (!tls.failure)
                tls = co_await start_tls(socket, tls_, deadline_);
        }
        if (!tls.failure && !tls.channel)
            tls.failure = objection_to_plain_text(how);
        if (tls.failure) {
            begun_session failed;
            failed.failure = tls.failure;
            // sslmode=prefer goes on without TLS when the two cannot agree; sslmode=allow with it.
            failed.refused_unknown = how == encryption::none || (how == encryption::if_offered && tls.disagreed);
            co_return failed;
        }
        const bool encrypted = tls.channel != nullptr;
        auto begun = co_await begin_session(
            std::move(socket), address, std::move(tls.channel), options_, host_, password_, deadline_);
        // A server that has no TLS was asked in plain text already, and a second wrong password may lock the account.
        if (how == encryption::if_offered && !encrypted)
            begun.refused_unknown = false;
        co_return begun;
    }

    /// @returns why the connection must be encrypted; null when it need not be.
    [[nodiscard]] std::exception_ptr objection_to_plain_text(encryption how) const
    {
        const char* why = nullptr;
        if (how == encryption::required)
            why = "the server has no TLS, and sslmode asks for it";
        else if (options_->tls.certificate_mode == client_certificate::require)
            why = "sslcertmode=require, and the connection is not encrypted";
        return why == nullptr ? nullptr
                              : std::make_exception_ptr(connection_error(
                                    client_errc::tls_failed, "cannot connect to " + server_ + ": " + why));
    }

    /// @returns what is wrong with the options or their files; null when nothing is.
    std::exception_ptr prepare_tls()
    {
        try {
            if (!tls_)
                tls_ = std::make_shared<const tls_context>(options_->tls, host_);
            return nullptr;
        }
        catch (const connection_error&) {
            return std::current_exception();
        }
    }

    asio::any_io_executor executor_;
    std::shared_ptr<const connect_options> options_;
    host_address host_;
    std::string server_;
    clock::time_point deadline_;
    found_password password_;
    std::shared_ptr<const tls_context> tls_;
};

} // namespace

asio::awaitable<host_outcome>
try_host(asio::any_io_executor executor, std::shared_ptr<const connect_options> options, host_address host)
{
    attempt one(std::move(executor), std::move(options), std::move(host));
    co_return co_await one.run();
}

} // namespace tradecore::pg::engine
