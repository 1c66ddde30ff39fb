// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toy_backend.hpp"

#include <boost/asio.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <unistd.h>

namespace tradecore::test {

/// A `toy_backend` behind a socket: for one session, and any number of requests to cancel. It can hang up after a given
/// number of bytes in either direction.
///
/// Everything happens on the context's thread without waiting for time. Lifetimes: may go before the context.
class toy_server {
public:
    static constexpr std::size_t never = std::numeric_limits<std::size_t>::max();

    struct limits {
        std::size_t sent = never;     ///< hangs up after having sent so many bytes of the session
        std::size_t received = never; ///< hangs up after having received so many
    };

    explicit toy_server(boost::asio::io_context& context, std::size_t stalls_at = toy_backend::never)
        : toy_server(context, stalls_at, limits())
    {}
    toy_server(boost::asio::io_context& context, std::size_t stalls_at, limits until)
        : state_(std::make_shared<state>(context, stalls_at, until))
    {
        boost::asio::co_spawn(context, accept(state_), boost::asio::detached);
    }
    toy_server(const toy_server&) = delete;
    toy_server& operator=(const toy_server&) = delete;
    toy_server(toy_server&&) = delete;
    toy_server& operator=(toy_server&&) = delete;
    ~toy_server()
    {
        boost::system::error_code ignored;
        state_->acceptor.close(ignored);
    }

    /// @returns what `host_address::host` must be.
    [[nodiscard]] std::string host() const { return state_->host; }
    [[nodiscard]] std::size_t sent() const noexcept { return state_->sent; }
    [[nodiscard]] std::size_t received() const noexcept { return state_->received; }
    [[nodiscard]] toy_backend& backend() noexcept { return state_->backend; }

private:
    using stream = boost::asio::local::stream_protocol;

    struct state {
        state(boost::asio::io_context& context, std::size_t stalls_at, limits when)
            : host(fresh_name()), acceptor(context, address_of(host)), session(context), backend(stalls_at), until(when)
        {}
        // In Linux's abstract name space, so that nothing is left behind.
        static std::string fresh_name()
        {
            static std::atomic<std::size_t> count = 0;
            return "@tradecore-toy-" + std::to_string(::getpid()) + '-' + std::to_string(++count);
        }
        static stream::endpoint address_of(const std::string& name)
        {
            auto path = name + "/.s.PGSQL.5432";
            path.front() = '\0';
            return {path};
        }

        std::string host;
        stream::acceptor acceptor;
        stream::socket session;
        toy_backend backend;
        limits until;
        std::size_t sent = 0;
        std::size_t received = 0;
    };

    static boost::asio::awaitable<void> accept(std::shared_ptr<state> of)
    {
        boost::system::error_code error;
        const auto executor = co_await boost::asio::this_coro::executor;
        of->session =
            co_await of->acceptor.async_accept(boost::asio::redirect_error(boost::asio::use_awaitable, error));
        if (!error)
            boost::asio::co_spawn(executor, serve(of), boost::asio::detached);
        while (!error) {
            auto other =
                co_await of->acceptor.async_accept(boost::asio::redirect_error(boost::asio::use_awaitable, error));
            if (!error)
                boost::asio::co_spawn(executor, take_cancel(of, std::move(other)), boost::asio::detached);
        }
    }

    static boost::asio::awaitable<void> take_cancel(std::shared_ptr<state> of, stream::socket socket)
    {
        constexpr std::size_t length = 16;
        boost::system::error_code error;
        std::array<char, length> request{};
        co_await boost::asio::async_read(
            socket, boost::asio::buffer(request), boost::asio::redirect_error(boost::asio::use_awaitable, error));
        if (!error)
            co_await say(of, of->backend.cancel());
    }

    static boost::asio::awaitable<void> say(std::shared_ptr<state> of, std::string words)
    {
        boost::system::error_code error;
        words.resize(std::min(words.size(), of->until.sent - of->sent));
        of->sent += co_await boost::asio::async_write(
            of->session, boost::asio::buffer(words), boost::asio::redirect_error(boost::asio::use_awaitable, error));
        if (of->sent >= of->until.sent || of->received >= of->until.received || of->backend.ended())
            of->session.shutdown(stream::socket::shutdown_send, error);
    }

    static boost::asio::awaitable<void> serve(std::shared_ptr<state> of)
    {
        boost::system::error_code error;
        std::array<char, 4096> bytes{};
        while (!error) {
            const auto count = co_await of->session.async_read_some(
                boost::asio::buffer(bytes), boost::asio::redirect_error(boost::asio::use_awaitable, error));
            // What comes after the limit is read and not looked at: a close would be a reset.
            const auto heard = std::min(count, of->until.received - of->received);
            of->received += heard;
            if (!error)
                co_await say(of, of->backend.take(std::string_view(bytes.data(), heard)));
        }
    }

    std::shared_ptr<state> state_;
};

} // namespace tradecore::test
