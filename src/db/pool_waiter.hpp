// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/pool_core.hpp"

#include <exception>
#include <optional>

namespace tradecore::detail {

/// A suspended caller; lives on its coroutine's frame, so that destroying the frame ends the wait.
struct pool_core::waiter {
    pool_core& pool;
    pool_state::ticket ticket;
    boost::asio::steady_timer timer;
    share wanted;
    std::optional<slot> granted;
    share has{}; // of what is granted
    std::exception_ptr error;

    /// @param place where it waited before; last in line when it did not.
    waiter(pool_core& of, std::optional<pool_state::ticket> place, clock::time_point until, const share& wants)
        : pool(of), ticket(place ? *place : of.state_.wait(wants.time != nullptr)), timer(of.executor_, until),
          wanted(wants)
    {
        if (place)
            pool.state_.wait_again(ticket, wants.time != nullptr);
        pool.waiters_.emplace(ticket, this);
    }
    waiter(waiter&&) = delete;
    waiter& operator=(waiter&&) = delete;
    ~waiter()
    {
        pool.waiters_.erase(ticket);
        pool.state_.withdraw(ticket);
        if (granted)
            pool.give_back(*granted, has); // granted too late: it goes to the next
    }

    [[nodiscard]] bool is_answered() const noexcept { return granted || error; }
};

} // namespace tradecore::detail
