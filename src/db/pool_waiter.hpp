// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/pool_core.hpp"

#include <exception>
#include <optional>
#include <string>

namespace tradecore::detail {

/// A suspended caller; lives on its coroutine's frame, so that destroying the frame ends the wait.
struct pool_core::waiter {
    pool_core& pool;
    pool_state::ticket ticket;
    clock::time_point began;
    boost::asio::steady_timer timer;
    share wanted;
    std::optional<slot> granted;
    share has{};            // of what is granted
    std::string waited_for; // when it was for long
    std::exception_ptr error;

    /// @param since when its caller began to wait.
    /// @param wants where it waited before it has its place again; else it is last in line.
    waiter(pool_core& of, clock::time_point since, clock::time_point until, const share& wants)
        : waiter(of, wants.place == 0 ? of.state_.pass() : wants.place, since, until, wants)
    {
        // Made already: what throws now is undone by the destructor.
        pool.waiters_.emplace(ticket, this);
        pool.state_.wait_again(ticket, wants.time != nullptr);
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

private:
    waiter(
        pool_core& of, pool_state::ticket place, clock::time_point since, clock::time_point until, const share& wants)
        : pool(of), ticket(place), began(since), timer(of.executor_, until), wanted(wants)
    {
        wanted.place = place;
    }
};

} // namespace tradecore::detail
