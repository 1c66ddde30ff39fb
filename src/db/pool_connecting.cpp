// SPDX-License-Identifier: Apache-2.0
#include "db/close_after.hpp"
#include "db/exception_text.hpp"
#include "db/pool_waiter.hpp"

#include <tradecore/observe/log.hpp>
#include <tradecore/pg/error.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
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
    if (!takes_part())
        return;
    while (const auto which = state_.take_for_check(clock::now()))
        start_check(*which);
    while (state_.wants_connect(clock::now())) {
        const auto added = connects_.emplace(connects_.end());
        // Posted, so that no connect ends before its caller has begun to wait.
        asio::post(executor_, [self = shared_from_this(), added, slot = added->cancel.slot()]() mutable {
            asio::co_spawn(
                self->executor_, connect_one(self, added),
                asio::bind_cancellation_slot(
                    slot, [self, added](const std::exception_ptr&) { self->connects_.erase(added); }));
        });
        state_.connect_started();
    }
    arm_timer();
}

asio::awaitable<void> pool_core::connect_one(std::shared_ptr<pool_core> self, attempts::iterator of)
{
    std::unique_ptr<physical_connection> made;
    std::exception_ptr failure;
    try {
        if (self->takes_part())
            made = co_await self->connect_();
        if (made && self->options_.hooks.on_connect)
            co_await prepare(self, made.get());
        // Else who waits would be given one after the other, without a pause.
        if (made && !made->is_open())
            throw pg::connection_error(
                pg::client_errc::cannot_connect,
                fmt::format("pool '{}': the connection ended before it could serve", self->name_));
        if (made)
            made->forget_alterations();
    }
    catch (...) {
        failure = std::current_exception();
        made.reset();
    }
    self->connect_ended(*of, std::move(made), failure);
}

asio::awaitable<void> pool_core::prepare(std::shared_ptr<pool_core> self, physical_connection* made)
{
    const close_after limit(self->executor_, self->options_.hooks.on_connect_timeout, *made);
    std::exception_ptr failure;
    try {
        co_await self->options_.hooks.on_connect(*made);
    }
    catch (...) {
        failure = std::current_exception();
    }
    if (limit.closed())
        throw pg::timeout_error(fmt::format(
            "pool '{}': pool_hooks.on_connect took longer than {} ms", self->name_,
            self->options_.hooks.on_connect_timeout.count()));
    if (failure)
        std::rethrow_exception(failure);
    if (made->is_open() && !is_clean(*made))
        throw pg::argument_error(
            fmt::format("pool '{}': pool_hooks.on_connect left a transaction or a statement behind", self->name_));
}

bool pool_core::attempt::is_unwanted(const physical_connection& made) const noexcept
{
    try {
        return std::ranges::any_of(unwanted, [&made](const auto& chooses) { return chooses(made); });
    }
    catch (...) {
        return true; // who cannot tell shall not get it
    }
}

void pool_core::connect_ended(
    const attempt& of, std::unique_ptr<physical_connection> made, const std::exception_ptr& failure)
{
    const bool unwanted = made && of.is_unwanted(*made);
    if (!takes_part() || unwanted) {
        state_.connect_abandoned();
        if (made)
            made->close();
    }
    else if (made) {
        ++counted_.connects;
        last_connect_error_ = nullptr;
        const auto placed = state_.connect_succeeded(clock::now(), lottery());
        if (entries_.size() <= placed.where)
            entries_.resize(placed.where + 1);
        entry& added = entries_[placed.where];
        added.connection = std::move(made);
        added.is_new = true;
        added.granted.reset();
        if (placed.owner) {
            added.users.set({.kind = "connect", .label = {}, .keeps = {}});
            added.since = of.began;
            hand_over(placed.where, *placed.owner);
        }
    }
    else {
        connect_failed(failure);
    }
    changed();
    pump();
}

void pool_core::connect_failed(const std::exception_ptr& failure)
{
    ++counted_.connect_failures;
    const bool no_room = is_no_room(failure);
    last_connect_error_ = failure;
    if (stage_ == stage::opening && no_room && state_.stats().size > 0)
        server_is_full_ = true;
    else if (stage_ == stage::opening && !opening_error_)
        opening_error_ = failure;
    const auto told = state_.connect_failed(clock::now(), no_room, lottery());
    observe::log(observe::level::warn, "cannot connect", {{"database", name_}, {"error", what_of(failure)}});
    if (told)
        refuse(*told, failure);
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
    if (!takes_part() || is_forked())
        return;
    close_removed(
        state_.take_expired(clock::now(), [this](slot which) { return !entries_[which].connection->is_open(); }));
    pump();
}

} // namespace tradecore::detail
