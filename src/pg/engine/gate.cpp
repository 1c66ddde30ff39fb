// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/gate.hpp"

#include <algorithm>
#include <utility>

namespace tradecore::pg::engine {

bool gate::try_hold() noexcept
{
    if (!is_free())
        return false;
    held_ = true;
    return true;
}

void gate::release() noexcept
{
    held_ = false;
    let_in();
}

void gate::join(place_ptr who)
{
    const bool stays = who->wanted_ == wish::stay;
    if (who->number_ == 0 && !stays)
        who->number_ = ++numbered_;
    // Those who were let in come back in any order; who stays has the lowest number of all.
    const auto behind = [number = who->number_](const place_ptr& other) { return other->number_ > number; };
    line_.insert(std::ranges::find_if(line_, behind), std::move(who));
}

bool gate::arrived(wish wanted) noexcept
{
    if (wanted == wish::pass)
        --admitted_;
    else if (wanted == wish::hold && barred_)
        held_ = false;
    // Who wants to hold the gate can come in only now that everybody before it has written.
    if (!barred_)
        let_in();
    return !barred_;
}

void gate::unbar() noexcept
{
    barred_ = false;
    let_in();
}

void gate::dismiss(place& who, const std::exception_ptr& why)
{
    const auto found = std::ranges::find(line_, &who, &place_ptr::get);
    if (found == line_.end()) {
        who.dismissed_late_ = true;
        return;
    }
    const auto kept = std::move(*found);
    line_.erase(found);
    kept->waiter_.resume_later(why);
    let_in(); // it may have kept others waiting
}

void gate::dismiss_all(const std::exception_ptr& why)
{
    for (const auto& who : std::exchange(line_, {}))
        who->waiter_.resume_later(why);
}

gate::clock::time_point gate::dismiss_late(clock::time_point now, const std::exception_ptr& why)
{
    auto next = exchange::no_deadline;
    std::deque<place_ptr> late;
    std::erase_if(line_, [&](const place_ptr& who) {
        if (who->deadline_ > now) {
            next = std::min(next, who->deadline_);
            return false;
        }
        late.push_back(who);
        return true;
    });
    for (const auto& who : late)
        who->waiter_.resume_later(why);
    if (!late.empty())
        let_in();
    return next;
}

void gate::abandon() noexcept
{
    for (const auto& who : std::exchange(line_, {}))
        who->waiter_.abandon();
}

void gate::let_in()
{
    while (!barred_ && !line_.empty()) {
        const auto next = line_.front();
        if (held_ && next->wanted_ != wish::stay)
            return;
        if (next->wanted_ == wish::hold) {
            if (admitted_ > 0)
                return;
            held_ = true;
        }
        else if (next->wanted_ == wish::pass) {
            ++admitted_;
        }
        line_.pop_front();
        next->waiter_.resume_later(nullptr);
    }
}

} // namespace tradecore::pg::engine
