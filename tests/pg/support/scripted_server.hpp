// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio.hpp>

#include <array>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace tradecore::test {

/// A server that answers each burst of the client's bytes with the next reply of a list, and can hang up
/// after a given number of bytes in either direction.
class scripted_server {
public:
    static constexpr std::size_t never = std::numeric_limits<std::size_t>::max();

    struct limits {
        std::size_t sent = never;     ///< closes after having sent so many bytes
        std::size_t received = never; ///< closes after having received so many bytes
    };

    scripted_server(boost::asio::io_context& context, std::vector<std::string> replies, limits until)
        : folder_(make_folder()), acceptor_(context, endpoint(folder_ / ".s.PGSQL.5432")), replies_(std::move(replies)),
          until_(until)
    {
        boost::asio::co_spawn(context, serve(), boost::asio::detached);
    }
    scripted_server(const scripted_server&) = delete;
    scripted_server& operator=(const scripted_server&) = delete;
    scripted_server(scripted_server&&) = delete;
    scripted_server& operator=(scripted_server&&) = delete;
    ~scripted_server() { std::filesystem::remove_all(folder_); }

    [[nodiscard]] std::string host() const { return folder_.string(); }
    [[nodiscard]] std::size_t sent() const noexcept { return sent_; }
    [[nodiscard]] std::size_t received() const noexcept { return received_; }

private:
    using stream = boost::asio::local::stream_protocol;
    using endpoint = stream::endpoint;

    static std::filesystem::path make_folder()
    {
        std::string name = (std::filesystem::temp_directory_path() / "tc-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr)
            throw std::runtime_error("cannot make a folder for a socket");
        return name;
    }

    boost::asio::awaitable<void> serve()
    {
        boost::system::error_code error;
        const auto token = [&error] { return boost::asio::redirect_error(boost::asio::use_awaitable, error); };
        auto socket = co_await acceptor_.async_accept(token());
        std::array<char, 4096> bytes{};
        for (const auto& reply : replies_) {
            const auto most = std::min(bytes.size(), until_.received - received_);
            received_ += co_await socket.async_read_some(boost::asio::buffer(bytes.data(), most), token());
            if (error || received_ >= until_.received)
                break;
            const auto part = std::string_view(reply).substr(0, until_.sent - sent_);
            sent_ += co_await boost::asio::async_write(socket, boost::asio::buffer(part), token());
            if (error || sent_ >= until_.sent)
                break;
        }
        // With bytes left unread a close would be a reset; both ends must be survived, here it is the orderly one.
        socket.shutdown(stream::socket::shutdown_send, error);
        while (!error)
            received_ += co_await socket.async_read_some(boost::asio::buffer(bytes), token());
    }

    std::filesystem::path folder_;
    stream::acceptor acceptor_;
    std::vector<std::string> replies_;
    limits until_;
    std::size_t sent_ = 0;
    std::size_t received_ = 0;
};

} // namespace tradecore::test
