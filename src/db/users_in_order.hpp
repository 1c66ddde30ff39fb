// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/pool.hpp>

#include <boost/circular_buffer.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace tradecore::detail {

/// Who uses a connection: the one whose statement runs, and those who share the connection with it, in the order in
/// which their statements were sent.
///
/// Thread safety: none. In steady state it does not allocate.
class users_in_order {
public:
    using place = pool_state::ticket;

    /// @returns whom the connection works for; a default when that is nobody.
    [[nodiscard]] const usage& front() const noexcept { return front_.user; }
    [[nodiscard]] bool is_front(place where) const noexcept { return used_ && front_.where == where; }

    /// The pool itself uses it.
    void set(usage own) noexcept
    {
        front_.user = std::move(own);
        used_ = false;
    }
    void clear() noexcept { set({}); }

    /// Somebody uses it, behind those who do already.
    /// @param where told apart by it from those who share the connection.
    /// @returns whether the user is in front.
    bool join(place where, usage&& user)
    {
        if (!used_) {
            front_.where = where;
            front_.user = std::move(user);
            used_ = true;
            return true;
        }
        if (behind_.full())
            behind_.set_capacity(std::max<std::size_t>(2 * behind_.capacity(), 4));
        behind_.push_back({.where = where, .user = std::move(user)});
        return false;
    }
    /// One of those who share it has ended; the next one is in front then, or whoever joins when there is none.
    /// @returns whether the user was in front.
    bool leave(place where) noexcept
    {
        if (is_front(where)) {
            if (behind_.empty()) {
                clear();
                return true;
            }
            front_ = std::move(behind_.front());
            behind_.pop_front();
            return true;
        }
        const auto found = std::ranges::find(behind_, where, &member::where);
        if (found != behind_.end())
            behind_.erase(found);
        return false;
    }

private:
    struct member {
        place where = 0;
        usage user{};
    };

    member front_;
    bool used_ = false;
    boost::circular_buffer<member> behind_;
};

} // namespace tradecore::detail
