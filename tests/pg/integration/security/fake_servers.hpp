// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tradecore::test {

/// Listens on 127.0.0.1 and deals with each client on its own.
class fake_server {
public:
    explicit fake_server(boost::asio::io_context& context)
        : acceptor_(context, {boost::asio::ip::make_address("127.0.0.1"), 0})
    {}
    fake_server(const fake_server&) = delete;
    fake_server& operator=(const fake_server&) = delete;
    fake_server(fake_server&&) = delete;
    fake_server& operator=(fake_server&&) = delete;
    virtual ~fake_server() = default;

    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    [[nodiscard]] int clients() const noexcept { return clients_; }

protected:
    using tcp = boost::asio::ip::tcp;
    using socket_ptr = std::shared_ptr<tcp::socket>;
    using error_code = boost::system::error_code;

    void start() { boost::asio::co_spawn(acceptor_.get_executor(), accept(), boost::asio::detached); }
    virtual boost::asio::awaitable<void> serve(socket_ptr client) = 0;
    [[nodiscard]] auto executor() { return acceptor_.get_executor(); }

private:
    boost::asio::awaitable<void> accept()
    {
        for (;;) {
            error_code error;
            auto client =
                co_await acceptor_.async_accept(boost::asio::redirect_error(boost::asio::use_awaitable, error));
            if (error)
                co_return;
            ++clients_;
            boost::asio::co_spawn(
                acceptor_.get_executor(), serve(std::make_shared<tcp::socket>(std::move(client))),
                boost::asio::detached);
        }
    }

    tcp::acceptor acceptor_;
    int clients_ = 0;
};

/// Answers each burst of a client with the next reply, then hangs up; without replies it stays silent.
class reciting_server final : public fake_server {
public:
    reciting_server(boost::asio::io_context& context, std::vector<std::string> replies)
        : fake_server(context), replies_(std::move(replies))
    {
        start();
    }

private:
    boost::asio::awaitable<void> serve(socket_ptr client) override
    {
        error_code error;
        const auto token = [&error] { return boost::asio::redirect_error(boost::asio::use_awaitable, error); };
        std::array<char, 4096> bytes{};
        for (const auto& reply : replies_) {
            co_await client->async_read_some(boost::asio::buffer(bytes), token());
            if (!error)
                co_await boost::asio::async_write(*client, boost::asio::buffer(reply), token());
            if (error)
                co_return;
        }
        if (!replies_.empty())
            client->shutdown(tcp::socket::shutdown_send, error);
        while (!error)
            co_await client->async_read_some(boost::asio::buffer(bytes), token());
    }

    std::vector<std::string> replies_;
};

/// Stands between a client and a server. It can answer the request for TLS itself, and cut the server's bytes short.
class man_in_the_middle final : public fake_server {
public:
    static constexpr std::size_t never = std::numeric_limits<std::size_t>::max();

    /// @param own_answer to the request for TLS; empty: the server's. @param cut_after so many bytes of the server.
    man_in_the_middle(
        boost::asio::io_context& context, std::uint16_t server, std::string own_answer, std::size_t cut_after = never)
        : fake_server(context), server_(server), own_answer_(std::move(own_answer)), cut_after_(cut_after)
    {
        start();
    }

    [[nodiscard]] std::size_t passed() const noexcept { return passed_; }

private:
    static constexpr std::size_t request_bytes = 8;

    boost::asio::awaitable<void> serve(socket_ptr client) override
    {
        error_code error;
        const auto token = [&error] { return boost::asio::redirect_error(boost::asio::use_awaitable, error); };
        const auto server = std::make_shared<tcp::socket>(executor());
        co_await server->async_connect({boost::asio::ip::make_address("127.0.0.1"), server_}, token());
        std::array<char, request_bytes> request{};
        if (!error)
            co_await boost::asio::async_read(*client, boost::asio::buffer(request), token());
        if (error)
            co_return;
        constexpr std::string_view asks_for_tls("\0\0\0\x08\x04\xd2\x16\x2f", request_bytes);
        const bool answers = !own_answer_.empty() && std::string_view(request.data(), request.size()) == asks_for_tls;
        if (answers)
            co_await boost::asio::async_write(*client, boost::asio::buffer(own_answer_), token());
        else
            co_await boost::asio::async_write(*server, boost::asio::buffer(request), token());
        boost::asio::co_spawn(executor(), pass(client, server, nullptr), boost::asio::detached);
        co_await pass(server, client, &passed_);
    }

    boost::asio::awaitable<void> pass(socket_ptr from, socket_ptr to, std::size_t* counted)
    {
        error_code error;
        const auto token = [&error] { return boost::asio::redirect_error(boost::asio::use_awaitable, error); };
        std::array<char, 4096> bytes{};
        std::size_t so_far = 0;
        while (!error) {
            auto count = co_await from->async_read_some(boost::asio::buffer(bytes), token());
            if (error)
                break;
            if (counted != nullptr)
                count = std::min(count, cut_after_ - so_far);
            so_far += count;
            if (counted != nullptr)
                *counted += count;
            co_await boost::asio::async_write(*to, boost::asio::buffer(bytes.data(), count), token());
            if (counted != nullptr && so_far == cut_after_)
                break;
        }
        to->shutdown(tcp::socket::shutdown_both, error);
        from->shutdown(tcp::socket::shutdown_both, error);
    }

    std::uint16_t server_;
    std::string own_answer_;
    std::size_t cut_after_;
    std::size_t passed_ = 0;
};

} // namespace tradecore::test
