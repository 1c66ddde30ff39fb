// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backend.hpp"

#include <boost/asio.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace tradecore::test {

/// A server whose every word the test says, and which notes what it hears: for what depends on the order of messages.
///
/// It has one session, lets its client in by itself, and keeps requests to cancel open until it is told to end them.
/// Lifetimes: may go before the context.
class spoken_server {
public:
    struct message {
        char type;
        std::string payload;
    };

    explicit spoken_server(boost::asio::io_context& context)
        : context_(&context), state_(std::make_shared<state>(context))
    {
        boost::asio::co_spawn(context, accept(state_), boost::asio::detached);
    }
    spoken_server(const spoken_server&) = delete;
    spoken_server& operator=(const spoken_server&) = delete;
    spoken_server(spoken_server&&) = delete;
    spoken_server& operator=(spoken_server&&) = delete;
    ~spoken_server()
    {
        boost::system::error_code ignored;
        state_->acceptor.close(ignored);
        state_->session.close(ignored);
        end_requests();
    }

    /// @returns what `host_address::host` must be.
    [[nodiscard]] std::string host() const { return state_->host; }
    /// @returns the messages heard since the last time.
    [[nodiscard]] std::vector<message> take_heard() { return std::exchange(state_->heard, {}); }
    /// @returns the types of the messages heard and not taken.
    [[nodiscard]] std::string heard() const
    {
        std::string types;
        for (const auto& each : state_->heard)
            types += each.type;
        return types;
    }
    /// @returns how many requests to cancel have come.
    [[nodiscard]] std::size_t requests() const noexcept { return state_->requests; }
    /// @returns whether the client has hung up.
    [[nodiscard]] bool is_left() const noexcept { return state_->left; }

    void say(std::string_view words)
    {
        boost::system::error_code ignored;
        boost::asio::write(state_->session, boost::asio::buffer(words), ignored);
    }
    /// Hangs up on those who asked to cancel, which tells them that it was done.
    void end_requests() { state_->open_requests.clear(); }

    /// Runs the context until something is so. @returns false when it does not become so.
    bool run_until(const std::function<bool()>& is_so)
    {
        constexpr std::chrono::seconds patience{20};
        context_->restart();
        while (!is_so() && context_->run_one_for(patience) > 0) {
        }
        return is_so();
    }
    /// Runs the context until the messages heard and not taken are of these types; then takes them.
    /// @returns them; nothing when others are heard.
    std::vector<message> expect(std::string_view types)
    {
        return run_until([&] { return heard() == types; }) ? take_heard() : std::vector<message>();
    }
    /// Runs everything that needs not wait for time or words.
    void settle()
    {
        context_->restart();
        while (context_->poll() > 0) {
        }
    }

private:
    using stream = boost::asio::local::stream_protocol;

    struct state {
        explicit state(boost::asio::io_context& context)
            : host(fresh_name()), acceptor(context, address_of(host)), session(context)
        {}
        // In Linux's abstract name space, so that nothing is left behind.
        static std::string fresh_name()
        {
            static std::atomic<std::size_t> count = 0;
            return "@tradecore-spoken-" + std::to_string(::getpid()) + '-' + std::to_string(++count);
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
        std::string pending;
        std::vector<message> heard;
        std::size_t requests = 0;
        std::vector<stream::socket> open_requests;
        bool left = false;
    };

    static boost::asio::awaitable<void> accept(std::shared_ptr<state> of)
    {
        boost::system::error_code error;
        const auto executor = co_await boost::asio::this_coro::executor;
        const auto token = [&error] { return boost::asio::redirect_error(boost::asio::use_awaitable, error); };
        of->session = co_await of->acceptor.async_accept(token());
        if (!error)
            boost::asio::co_spawn(executor, serve(of), boost::asio::detached);
        while (!error) {
            auto other = co_await of->acceptor.async_accept(token());
            if (error)
                break;
            constexpr std::size_t length = 16;
            std::array<char, length> request{};
            co_await boost::asio::async_read(other, boost::asio::buffer(request), token());
            of->open_requests.push_back(std::move(other));
            ++of->requests;
        }
    }

    static boost::asio::awaitable<void> serve(std::shared_ptr<state> of)
    {
        boost::system::error_code error;
        std::array<char, 65536> bytes{};
        bool greeted = false;
        while (!error) {
            const auto count = co_await of->session.async_read_some(
                boost::asio::buffer(bytes), boost::asio::redirect_error(boost::asio::use_awaitable, error));
            of->pending.append(bytes.data(), count);
            if (!greeted && !of->pending.empty()) {
                greeted = true; // a start-up message is short enough to come whole
                of->pending.clear();
                co_await boost::asio::async_write(
                    of->session,
                    boost::asio::buffer(
                        backend::authentication_ok() + backend::status("server_version", "15.0") + backend::key(1, 2) +
                        backend::ready()),
                    boost::asio::redirect_error(boost::asio::use_awaitable, error));
            }
            while (take_message(*of)) {
            }
        }
        of->left = true;
    }

    static bool take_message(state& of)
    {
        constexpr std::size_t header = 5;
        if (of.pending.size() < header)
            return false;
        std::size_t length = 0;
        for (const char byte : std::string_view(of.pending).substr(1, header - 1))
            length = length << 8U | static_cast<unsigned char>(byte);
        if (of.pending.size() < length + 1)
            return false;
        of.heard.push_back({of.pending[0], of.pending.substr(header, length + 1 - header)});
        of.pending.erase(0, length + 1);
        return true;
    }

    boost::asio::io_context* context_;
    std::shared_ptr<state> state_;
};

} // namespace tradecore::test
