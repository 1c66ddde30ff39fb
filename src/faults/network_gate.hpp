// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::faults {

/// Which way bytes go.
enum class flow : std::uint8_t { to_server, to_client };

/// How a link ends: with FIN, or with RST (over a Unix socket, which has none, both sides are closed at once, and who
/// was still being sent something is told ECONNRESET).
enum class ending : std::uint8_t { close, reset };

/// What the gate does with the bytes that go one way. The end of the stream is treated as they are.
struct traffic {
    enum class mode : std::uint8_t {
        pass,
        /// Keeps them (up to 1 MiB, then it reads no more), and sends them on in one piece when they may pass again.
        hold,
        /// Takes them and forgets them.
        drop,
    };
    mode what = mode::pass;
    /// Sent on in pieces of so many bytes at most, one each turn of the loop; 0: as they come.
    std::size_t piece = 0;
    /// A pause after each piece, or until the rule is replaced: with `piece` a limit of the bandwidth, without it a
    /// delay.
    std::chrono::microseconds pause{0};
    /// The link ends when so many bytes have passed this way since it was made.
    std::optional<std::uint64_t> cut_after{};
    ending cut_by = ending::reset;
    /// The byte with this number, from 0, passes with all its bits inverted.
    std::optional<std::uint64_t> corrupt_at{};
};

/// A place on the way between clients and a server where the network fails as somebody wants it to. Clients connect to
/// `dsn()`; each connection, requests to cancel included, becomes a link with two flows of bytes.
///
///     network_gate gate(executor, scratch.tcp_dsn());
///     options.connect = pg::connect_options::parse(gate.dsn());
///     // The server commits, and the client never learns it:
///     gate.when(flow::to_client, "COMMIT", [](network_gate::link& on) { on.end(ending::reset); });
///     // Silence:
///     gate.set({.what = traffic::mode::hold});
///     co_await gate.until([&] { return gate.passed(flow::to_server) > before; });
///
/// It does nothing by itself and by time: all that happens, happens when bytes come, or is said by its owner. It works
/// while the loop of its executor runs, so that whoever blocks that thread (libpq) must not come through the gate.
/// Thread safety: none, one loop run by one thread. Lifetimes: destroyed before its loop; that resets all links.
class network_gate {
    struct core;
    struct pipe;
    struct both_ends;

public:
    /// One connection through the gate.
    class link {
    public:
        /// From 1, in the order of connecting.
        [[nodiscard]] std::size_t number() const noexcept;
        /// Replaces what holds for one flow, for both.
        void set(flow direction, const traffic& rule);
        void set(const traffic& rule);
        void end(ending how);
        /// @returns how many bytes were sent on, or dropped.
        [[nodiscard]] std::uint64_t passed(flow direction) const noexcept;
        /// @returns how many bytes wait in the gate.
        [[nodiscard]] std::size_t held(flow direction) const noexcept;

    private:
        friend class network_gate;
        explicit link(both_ends& of) : of_(&of) {}
        both_ends* of_;
    };

    /// @param server URI of the server; the gate listens as it does, at a Unix socket or at a port of 127.0.0.1.
    network_gate(boost::asio::any_io_executor executor, const std::string& server);
    network_gate(const network_gate&) = delete;
    network_gate& operator=(const network_gate&) = delete;
    network_gate(network_gate&&) = delete;
    network_gate& operator=(network_gate&&) = delete;
    ~network_gate();

    /// @returns the server's URI with the gate's address in it.
    [[nodiscard]] std::string dsn() const;
    /// The same for a URI of another role or database of that server.
    [[nodiscard]] std::string dsn(const std::string& server) const;

    /// Replaces what holds for one flow, for both, on all links there are and will be.
    void set(flow direction, const traffic& rule);
    void set(const traffic& rule);
    /// Ends all links.
    void end_all(ending how);
    /// Connects are refused ("connection refused", or no such socket) until `admit`; links go on.
    void refuse();
    void admit();
    /// The server has moved to another address of the same kind; links go on.
    void move_to(const std::string& server);

    /// Calls `act` with each new link, before anything passes.
    void on_link(std::function<void(link&)> act);
    /// Calls `act` each time `text` is met in a flow, when all of it has come and all but its last byte has been sent
    /// on: what `act` sets holds from that byte on. An empty `act` ends it; one `text` and `act` for each flow.
    void when(flow direction, std::string text, std::function<void(link&)> act);

    /// Links made so far; those there are now.
    [[nodiscard]] std::size_t accepted() const noexcept;
    [[nodiscard]] std::size_t open() const noexcept;
    /// The same as of links, summed over all there ever were.
    [[nodiscard]] std::uint64_t passed(flow direction) const noexcept;
    [[nodiscard]] std::size_t held(flow direction) const noexcept;
    /// Calls `act` with each link there is.
    void for_each(const std::function<void(link&)>& act);

    /// Waits until `condition` holds; it is asked again whenever anything has happened in the gate.
    [[nodiscard]] boost::asio::awaitable<void> until(std::function<bool()> condition);

private:
    std::shared_ptr<core> core_;
};

} // namespace tradecore::faults
