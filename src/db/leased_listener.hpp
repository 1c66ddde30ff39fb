// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/pool.hpp>
#include <tradecore/pg/listener.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace tradecore::detail {

/// A listener with the connection it keeps.
class leased_listener final : public pg::detail::listener_core, public std::enable_shared_from_this<leased_listener> {
public:
    leased_listener(lease connection, pg::listener inner)
        : connection_(std::move(connection)), inner_(std::move(inner)), channel_(inner_.channel())
    {}
    boost::asio::awaitable<pg::notification> next() override { return next_of(shared_from_this()); }
    std::optional<pg::notification> try_next() override { return inner_.try_next(); }
    const std::string& channel() const noexcept override { return channel_; }
    std::uint64_t missed() const noexcept override { return inner_.missed(); }
    // Closed rather than given back: what a session listens to is nothing for the pool's next user.
    void abandon() noexcept override { connection_.discard(); }

private:
    static boost::asio::awaitable<pg::notification> next_of(std::shared_ptr<leased_listener> self)
    {
        co_return co_await self->inner_.next();
    }

    lease connection_;
    pg::listener inner_;
    std::string channel_;
};

} // namespace tradecore::detail
