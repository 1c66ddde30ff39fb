// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/engine/exchange.hpp"
#include "pg/engine/statement_cache.hpp"
#include "pg/protocol/backend_messages.hpp"
#include "pg/protocol/receive_buffer.hpp"

#include <tradecore/pg/abandonable.hpp>
#include <tradecore/pg/connection.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace tradecore::pg::engine {

/// The socket of one connection and the exchanges that are under way on it.
///
/// Exchanges are answered in the order they were queued. What several callers write in one turn of the
/// event loop leaves in one system call; a write is tried at once and only waited for when the kernel
/// has no room. Reading goes on all the time, so a server that goes away is noticed while idle.
///
/// Thread safety: none. Lifetimes: always owned by a shared_ptr; what is in flight keeps it alive.
class link final : public std::enable_shared_from_this<link>, private abandonable {
public:
    using socket_type = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol>;

    /// @param socket connected; its executor is where everything here runs.
    link(socket_type socket, std::string peer);
    link(const link&) = delete;
    link& operator=(const link&) = delete;
    link(link&&) = delete;
    link& operator=(link&&) = delete;
    ~link();

    /// Begins to read; call once, after construction.
    void start();

    /// @returns the buffer that the next flush sends: append whole messages to it, then `queue` the
    ///          exchange they belong to.
    [[nodiscard]] std::string& outgoing() noexcept { return outgoing_; }
    /// Queues an exchange whose messages stand in `outgoing`, and sends them in this turn of the loop.
    void queue(std::shared_ptr<exchange> added);
    /// Waits until an exchange has ended. Cancellation closes the link.
    /// @throws what ended it when it did not come to its end.
    [[nodiscard]] boost::asio::awaitable<void> wait(std::shared_ptr<exchange> awaited);

    /// Closes the socket; everything in flight fails with `why`. Does nothing when closed already.
    void close(std::exception_ptr why) noexcept;
    /// Says goodbye and closes.
    void terminate() noexcept;

    [[nodiscard]] bool is_open() const noexcept { return !closed_because_; }
    /// @throws connection_error when the link is closed.
    void require_open() const;
    [[nodiscard]] std::size_t in_flight() const noexcept { return exchanges_.size(); }
    [[nodiscard]] const std::string& peer() const noexcept { return peer_; }

    transaction_status status = transaction_status::idle;
    protocol::backend_key key{};
    std::map<std::string, std::string, std::less<>> parameters{};
    connection::notice_handler on_notice{};
    statement_cache statements{};

private:
    void abandon() noexcept override;
    void read();
    void on_read(const boost::system::error_code& error, std::size_t count);
    [[nodiscard]] protocol::receive_buffer::framing dispatch_all();
    void dispatch(const protocol::message& incoming);
    void dispatch_to_exchange(const protocol::message& incoming);
    void end_exchange();
    void flush_soon();
    void flush();
    void watch_deadline(exchange::clock::time_point deadline);
    void on_deadline();
    void fail_protocol(std::string_view what) noexcept;

    // Both are there until the execution context ends.
    std::optional<socket_type> socket_;
    std::string peer_;
    protocol::receive_buffer incoming_;
    std::string outgoing_;
    std::string writing_;
    bool write_waits_ = false;
    bool flush_posted_ = false;
    bool dispatching_ = false;
    std::deque<std::shared_ptr<exchange>> exchanges_;
    std::optional<boost::asio::steady_timer> deadline_timer_;
    exchange::clock::time_point watched_deadline_ = exchange::no_deadline;
    std::exception_ptr closed_because_;
    std::optional<diagnostics> farewell_; // the server's error outside of any exchange
};

} // namespace tradecore::pg::engine
