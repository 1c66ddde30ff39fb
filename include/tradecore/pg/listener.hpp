// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/notification.hpp>
#include <tradecore/pg/open_handle.hpp>
#include <tradecore/pg/statement.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace tradecore::pg {

struct listen_options {
    /// How many notifications may wait; when one more comes, the oldest is dropped and counted. At least 1.
    std::size_t queue = 1'024;
    /// `timeout` limits `listen` itself, not the waiting for notifications.
    call_options call{};
};

namespace detail {

/// One end of a channel.
class listener_core {
public:
    listener_core() = default;
    listener_core(const listener_core&) = delete;
    listener_core& operator=(const listener_core&) = delete;
    listener_core(listener_core&&) = delete;
    listener_core& operator=(listener_core&&) = delete;
    virtual ~listener_core() = default;

    [[nodiscard]] virtual boost::asio::awaitable<notification> next() = 0;
    [[nodiscard]] virtual std::optional<notification> try_next() = 0;
    [[nodiscard]] virtual const std::string& channel() const noexcept = 0;
    [[nodiscard]] virtual std::uint64_t missed() const noexcept = 0;
    virtual void abandon() noexcept = 0;
};

} // namespace detail

/// The notifications of one channel, in the order the server sent them.
///
///     auto feed = co_await connection.listen("orders");
///     for (;;)
///         handle(co_await feed.next());
///
/// Several listeners of a channel share one LISTEN; each gets every notification. The last one that is destroyed
/// sends UNLISTEN, in the background, after the end of a transaction that is open. A `next` that waits meanwhile ends
/// with a connection_error.
///
/// Errors: every call throws `argument_error` for a listener that is not open: default-constructed, or moved from.
/// Thread safety: none. Lifetimes: independent of the connection object; when the connection ends, so does the feed.
class listener {
public:
    listener() = default;
    explicit listener(std::shared_ptr<detail::listener_core> core) noexcept : core_(std::move(core)) {}
    listener(listener&&) noexcept = default;
    listener& operator=(listener&& other) noexcept
    {
        std::swap(core_, other.core_);
        return *this;
    }
    listener(const listener&) = delete;
    listener& operator=(const listener&) = delete;
    ~listener()
    {
        if (core_)
            core_->abandon();
    }

    /// Waits for a notification.
    /// @throws the connection's error, once everything that had come before it was taken.
    /// Cancellation: any kind; nothing is lost, the listener goes on.
    [[nodiscard]] boost::asio::awaitable<notification> next() { return core().next(); }
    /// @returns a notification that has come already, if there is one.
    [[nodiscard]] std::optional<notification> try_next() { return core().try_next(); }
    [[nodiscard]] const std::string& channel() const { return core().channel(); }
    /// @returns how many were dropped in all because the queue was full.
    [[nodiscard]] std::uint64_t missed() const { return core().missed(); }

private:
    [[nodiscard]] detail::listener_core& core() const { return *detail::opened(core_, "listener"); }

    std::shared_ptr<detail::listener_core> core_;
};

} // namespace tradecore::pg
