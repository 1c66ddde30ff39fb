// SPDX-License-Identifier: Apache-2.0
#include "db/exception_text.hpp"
#include "db/pool_waiter.hpp"

#include <tradecore/observe/log.hpp>
#include <tradecore/pg/error.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <iterator>
#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// Whether the server refused for want of room: what it has given us already goes on working.
bool is_no_room(const std::exception_ptr& error)
{
    try {
        std::rethrow_exception(error);
    }
    catch (const pg::error& e) {
        return e.code() == pg::condition::too_many_connections;
    }
    catch (...) {
        return false;
    }
}

} // namespace

void pool_core::pump()
{
    if (stage_ != stage::open && stage_ != stage::opening)
        return;
    while (state_.wants_connect(clock::now())) {
        state_.connect_started();
        auto& signal = connects_.emplace_back();
        const auto where = std::prev(connects_.end());
        // Posted, so that no connect ends before its caller has begun to wait.
        asio::post(executor_, [self = shared_from_this(), where, slot = signal.slot()]() mutable {
            asio::co_spawn(
                self->executor_, connect_one(self),
                asio::bind_cancellation_slot(
                    slot, [self, where](const std::exception_ptr&) { self->connects_.erase(where); }));
        });
    }
    arm_timer();
}

asio::awaitable<void> pool_core::connect_one(std::shared_ptr<pool_core> self)
{
    std::unique_ptr<physical_connection> made;
    std::exception_ptr failure;
    try {
        if (self->stage_ == stage::open || self->stage_ == stage::opening)
            made = co_await self->connect_();
    }
    catch (...) {
        failure = std::current_exception();
    }
    self->connect_ended(std::move(made), failure);
}

void pool_core::connect_ended(std::unique_ptr<physical_connection> made, const std::exception_ptr& failure)
{
    if (stage_ != stage::open && stage_ != stage::opening) {
        state_.connect_abandoned();
        if (made)
            made->close();
        changed();
        return;
    }
    if (made) {
        last_connect_error_ = nullptr;
        const auto placed = state_.connect_succeeded(clock::now(), lottery());
        if (entries_.size() <= placed.where)
            entries_.resize(placed.where + 1);
        entries_[placed.where].connection = std::move(made);
        if (placed.owner)
            serve(*placed.owner, placed.where);
    }
    else {
        last_connect_error_ = failure;
        if (stage_ == stage::opening && !opening_error_)
            opening_error_ = failure;
        const auto told = state_.connect_failed(clock::now(), is_no_room(failure), lottery());
        observe::log(observe::level::warn, "cannot connect", {{"database", name_}, {"error", what_of(failure)}});
        if (told)
            refuse(*told, failure);
    }
    changed();
    pump();
}

void pool_core::arm_timer()
{
    const auto next = state_.next_event(clock::now());
    if (!next || timer_->expiry() == *next)
        return;
    timer_->expires_at(*next);
    timer_->async_wait([weak = weak_from_this()](error_code failed) {
        const auto self = weak.lock();
        if (!failed && self && self->stage_ != stage::abandoned)
            self->on_timer();
    });
}

void pool_core::on_timer()
{
    if (stage_ != stage::open)
        return;
    const auto ended =
        state_.take_expired(clock::now(), [this](slot which) { return !entries_[which].connection->is_open(); });
    for (const slot which : ended) {
        const auto connection = std::move(entries_[which].connection);
        connection->close();
    }
    pump();
}

} // namespace tradecore::detail
