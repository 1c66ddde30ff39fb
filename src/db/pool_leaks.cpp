// SPDX-License-Identifier: Apache-2.0
#include "db/pool_core.hpp"
#include "db/to_ms.hpp"

#include <tradecore/observe/log.hpp>

#include <algorithm>
#include <utility>

namespace tradecore::detail {

// One timer for all loans, and none for a loan: what is lent after a look is not due before the next one.
void pool_core::look_for_leaks()
{
    const auto now = clock::now();
    auto next = now + options_.leak_detection;
    for (entry& lent : entries_) {
        if (!lent.connection || !lent.is_lent || lent.reported)
            continue;
        const auto due = lent.since + options_.leak_detection;
        if (due > now) {
            next = std::min(next, due);
            continue;
        }
        lent.reported = true;
        observe::log(
            observe::level::warn, "a connection was not given back in time: is it leaked?",
            {{"database", name_},
             {"held_by", text_of(lent.users.front())},
             {"held_ms", to_ms(now - lent.since).count()},
             {"threshold_ms", options_.leak_detection.count()},
             {"backend_pid", lent.connection->backend_pid()}});
    }
    arm_leak_timer(next);
}

void pool_core::arm_leak_timer(clock::time_point when)
{
    leak_timer_->expires_at(when);
    leak_timer_->async_wait([weak = weak_from_this()](boost::system::error_code failed) {
        const auto self = weak.lock();
        if (!failed && self && self->takes_part() && !self->is_forked())
            self->look_for_leaks();
    });
}

void pool_core::tell_of_return(slot which)
{
    entry& returned = entries_[which];
    if (!std::exchange(returned.reported, false))
        return;
    observe::log(
        observe::level::info, "a connection that seemed leaked was given back",
        {{"database", name_},
         {"held_by", text_of(returned.users.front())},
         {"held_ms", to_ms(clock::now() - returned.since).count()}});
}

} // namespace tradecore::detail
