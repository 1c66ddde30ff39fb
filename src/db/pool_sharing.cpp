// SPDX-License-Identifier: Apache-2.0
#include "db/pool_waiter.hpp"

namespace tradecore::detail {

share pool_core::begin_share(slot which, const share& wanted, clock::time_point now)
{
    if (wanted.time == nullptr || !entries_[which].connection->can_be_shared())
        return {};
    sharing_.begin(which, wanted.weight, now);
    return wanted;
}

bool pool_core::end_share(slot which, const share& of, clock::time_point now) noexcept
{
    if (of.time == nullptr)
        return true;
    sharing_.end(which, of.weight, of.answered ? of.time : nullptr, now);
    return sharing_.users(which) == 0;
}

void pool_core::leave_to_others(slot which, const share& of, clock::time_point now) noexcept
{
    entry& left = entries_[which];
    try {
        if (left.reported && left.users.is_front(of.place))
            tell_of_return(which);
    }
    catch (...) {
        // no memory to say so
    }
    if (left.users.leave(of.place))
        left.since = now;
}

bool pool_core::takes_more(slot which, clock::time_point now) const
{
    const physical_connection& connection = *entries_[which].connection;
    return connection.is_open() && !connection.is_settling() && !state_.must_end(which, now);
}

lease pool_core::try_join(usage& user, const share& wanted, clock::time_point now)
{
    if (wanted.time == nullptr || !state_.may_share_now(now))
        return {};
    const auto which = sharing_.roomiest(
        wanted.weight, [this, now](slot each) { return entries_[each].is_lent && takes_more(each, now); });
    if (!which)
        return {};
    sharing_.begin(*which, wanted.weight, now);
    entry& joined = entries_[*which];
    lease made(shared_from_this(), joined.connection.get(), *which, wanted);
    made.share_.place = state_.pass();
    if (joined.users.join(made.share_.place, std::move(user)))
        joined.since = now;
    ++counted_.shared;
    counted_.acquire.add(clock::duration::zero());
    if (!watches_shared_)
        watch_shared(now + options_.sharing.patience);
    return made;
}

void pool_core::fill(slot which)
{
    for (;;) {
        const auto next = state_.first_sharer();
        if (!next || sharing_.users(which) == 0 || !takes_more(which, clock::now()))
            return;
        // No more than its part: the other connections have room, too.
        const auto part = sharing_.part_of_each(state_.stats().waiting);
        waiter& first = *waiters_.at(*next);
        if (sharing_.users(which) >= part || !sharing_.has_room(which, first.wanted.weight))
            return;
        state_.withdraw(*next);
        serve(*next, which);
        ++counted_.shared;
        if (!watches_shared_)
            watch_shared(clock::now() + options_.sharing.patience);
    }
}

void pool_core::watch_shared(clock::time_point when)
{
    share_timer_->expires_at(when);
    share_timer_->async_wait([weak = weak_from_this()](boost::system::error_code failed) {
        const auto self = weak.lock();
        if (!self)
            return;
        self->watches_shared_ = false;
        if (!failed && self->stage_ != stage::abandoned && !self->is_forked())
            self->send_away_from_stuck();
    });
    watches_shared_ = true;
}

void pool_core::send_away_from_stuck()
{
    for (const slot which : sharing_.take_stuck(clock::now()))
        entries_[which].connection->send_away(std::make_exception_ptr(sent_away()));
    if (const auto next = sharing_.next_look())
        watch_shared(*next);
}

} // namespace tradecore::detail
