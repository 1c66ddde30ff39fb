// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/link.hpp"

#include "pg/engine/notification_hub.hpp"
#include "pg/protocol/frontend.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cassert>
#include <utility>

namespace tradecore::pg::engine {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// PostgreSQL never sends a message beyond 1 GiB: it is the limit of one value and of one row.
constexpr std::size_t largest_message = std::size_t{1} << 30U;
constexpr std::size_t largest_of_a_stranger = std::size_t{1} << 20U;

std::exception_ptr aborted()
{
    return std::make_exception_ptr(boost::system::system_error(asio::error::operation_aborted));
}

} // namespace

link::link(socket_type socket, std::string peer, std::unique_ptr<tls_channel> channel)
    : abandonable(asio::query(socket.get_executor(), asio::execution::context)), socket_(std::move(socket)),
      deadline_timer_(std::in_place, socket_->get_executor()), executor_(socket_->get_executor()),
      peer_(std::move(peer)), tls_(std::move(channel)), incoming_(largest_of_a_stranger)
{}

link::~link()
{
    // Somebody may still hold an exchange, and a cancellation slot that leads here through it.
    while (take_front()) {
    }
}

void link::start()
{
    read();
}

void link::trust() noexcept
{
    incoming_.believe_up_to(largest_message);
}

link::clock::time_point link::now()
{
    if (!dispatching_)
        return clock::now();
    if (turns_time_ == clock::time_point())
        turns_time_ = clock::now();
    return turns_time_;
}

// --- taking turns --------------------------------------------------------------------------------------------------

asio::awaitable<void> link::stand_in_line(gate::wish wanted, clock::time_point deadline)
{
    auto suspended = [](auto handler, std::weak_ptr<link> on, gate::place_ptr place) {
        if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected()) {
            slot.assign([on = std::move(on), place](asio::cancellation_type) {
                if (const auto owner = on.lock())
                    owner->gate_.dismiss(*place, aborted());
            });
        }
        place->suspend(std::move(handler));
    };
    const gate::place_ptr place(new gate::place(wanted, deadline));
    for (;;) {
        require_open();
        watch_deadline(deadline);
        gate_.join(place);
        co_await asio::async_initiate<const asio::deferred_t&, void(std::exception_ptr)>(
            suspended, asio::deferred, weak_from_this(), place);
        const bool is_in = gate_.arrived(wanted);
        if (place->was_dismissed_late()) {
            // Its next co_await throws: what it queued now would have nobody to give it up.
            if (is_in && wanted == gate::wish::hold)
                gate_.release();
            throw boost::system::system_error(asio::error::operation_aborted);
        }
        if (is_in)
            co_return;
    }
}

asio::awaitable<void> link::enter(clock::time_point deadline)
{
    if (!gate_.is_free())
        co_await stand_in_line(gate::wish::pass, deadline);
    require_open();
}

asio::awaitable<turn> link::hold(clock::time_point deadline)
{
    if (!gate_.try_hold())
        co_await stand_in_line(gate::wish::hold, deadline);
    turn held(shared_from_this());
    require_open();
    co_return held;
}

asio::awaitable<void> link::settled(clock::time_point deadline)
{
    if (gate_.is_barred())
        co_await stand_in_line(gate::wish::stay, deadline);
    require_open();
}

turn link::try_hold()
{
    return gate_.try_hold() ? turn(shared_from_this()) : turn();
}

void turn::release() noexcept
{
    if (const auto released = std::exchange(held_, nullptr))
        released->gate_.release();
}

// --- exchanges -----------------------------------------------------------------------------------------------------

void link::queue(exchange_ptr added)
{
    assert(is_open());
    watch_deadline(added->deadline);
    added->on_ = this;
    auto* const queued = added.get();
    (last_ == nullptr ? first_ : last_->next_) = std::move(added);
    last_ = queued;
    ++in_flight_;
    if (in_flight_ == 1)
        front_changed();
    send();
}

exchange_ptr link::take_front() noexcept
{
    auto taken = std::move(first_);
    if (!taken)
        return taken;
    first_ = std::move(taken->next_);
    if (!first_)
        last_ = nullptr;
    taken->on_ = nullptr;
    --in_flight_;
    return taken;
}

void link::cancel_by_slot(exchange& of)
{
    if (auto* const owner = of.on_)
        owner->cancel(of, aborted());
}

asio::awaitable<void> link::progress(exchange_ptr awaited)
{
    if (!awaited->progressed_)
        co_await suspend(awaited, exchange::awaits::progress);
    awaited->progressed_ = false;
}

asio::awaitable<void> link::room(exchange_ptr awaited, std::size_t below)
{
    if (!awaited->finished_ && unsent() < below)
        co_return;
    awaited->room_below_ = below;
    ++wait_for_room_;
    std::exception_ptr failure;
    try {
        co_await suspend(awaited, exchange::awaits::room);
    }
    catch (...) {
        failure = std::current_exception();
    }
    --wait_for_room_;
    if (failure)
        std::rethrow_exception(failure);
}

void link::fail(exchange& unfinished, const std::exception_ptr& why)
{
    if (unfinished.finished_)
        return;
    unfinished.finished_ = true;
    unfinished.failure_ = why;
    unfinished.waiter_.resume_later(why);
}

// --- deadlines -----------------------------------------------------------------------------------------------------

void link::watch_deadline(clock::time_point deadline)
{
    // One timer for all: it is set anew only for a deadline before the one it waits for, and looks at all of them
    // when it fires. With limits of equal length it fires once per limit, however many statements there were.
    if (deadline >= watched_deadline_)
        return;
    watched_deadline_ = deadline;
    deadline_timer_->expires_at(deadline);
    deadline_timer_->async_wait([self = shared_from_this()](const error_code& error) {
        if (!error)
            self->on_deadline();
    });
}

void link::on_deadline()
{
    if (!is_open())
        return;
    watched_deadline_ = exchange::no_deadline;
    const auto now = clock::now();
    if (cancelling_ && cancelling_->limit <= now)
        return close(std::make_exception_ptr(connection_error(
            client_errc::connection_closed, peer_ + " did not answer a request to cancel within " +
                                                std::to_string(cancel_timeout.count()) +
                                                " ms; the connection was closed")));
    auto earliest = gate_.dismiss_late(
        now, std::make_exception_ptr(timeout_error(
                 "the time limit passed before the connection to " + peer_ + " was free; nothing was sent")));
    if (cancelling_ && cancelling_->target && cancelling_->again <= now)
        send_cancel();
    if (cancelling_)
        earliest = std::min({earliest, cancelling_->limit, cancelling_->again});
    const auto late = std::make_exception_ptr(
        timeout_error("the time limit passed before " + peer_ + " had answered; it was asked to stop"));
    for (auto waiting = first_; waiting; waiting = waiting->next_) {
        if (waiting->deadline > now) {
            earliest = std::min(earliest, waiting->deadline);
            continue;
        }
        waiting->deadline = exchange::no_deadline;
        cancel(*waiting, late);
        if (!is_open())
            return;
    }
    watch_deadline(earliest);
}

// --- the end -------------------------------------------------------------------------------------------------------

void link::require_open() const
{
    if (is_open())
        return;
    std::string why = "the connection to " + peer_ + " is closed";
    try {
        std::rethrow_exception(closed_because_);
    }
    catch (const std::exception& reason) {
        why += std::string(": ") + reason.what();
    }
    throw connection_error(client_errc::connection_closed, why);
}

void link::close(std::exception_ptr why) noexcept
{
    if (!is_open())
        return;
    closed_because_ = std::move(why);
    error_code ignored;
    socket_->close(ignored);
    deadline_timer_->cancel();
    cancelling_.reset();
    while (const auto unanswered = take_front())
        fail(*unanswered, unanswered->cancelled_because_ ? unanswered->cancelled_because_ : closed_because_);
    gate_.dismiss_all(closed_because_);
    if (notifications)
        notifications->end(closed_because_);
}

void link::terminate() noexcept
{
    if (!is_open())
        return;
    // Only between messages: after half a message the goodbye would be read as its rest.
    if (unsent() == 0) {
        protocol::write_terminate(outgoing_);
        flush();
        if (tls_)
            tls_->finish();
        flush();
    }
    close(std::make_exception_ptr(
        connection_error(client_errc::connection_closed, "the connection was closed by its owner")));
}

void link::abandon() noexcept
{
    // Whoever holds the connection may outlive the context; what belongs to it must not.
    if (is_open())
        closed_because_ = std::make_exception_ptr(
            connection_error(client_errc::connection_closed, "the event loop of the connection has ended"));
    socket_.reset();
    deadline_timer_.reset();
    cancelling_.reset();
    auto unanswered = std::exchange(first_, nullptr);
    last_ = nullptr;
    in_flight_ = 0;
    for (auto* each = unanswered.get(); each != nullptr; each = each->next_.get())
        each->on_ = nullptr;
    auto line = std::exchange(gate_, gate());
    if (notifications)
        notifications->abandon();
    // The frames that are destroyed now may be the last to hold this link.
    while (unanswered) {
        unanswered->waiter_.abandon();
        unanswered = std::move(unanswered->next_);
    }
    line.abandon();
}

void link::fail_protocol(std::string_view what) noexcept
{
    close(std::make_exception_ptr(protocol_error("protocol violation by " + peer_ + ": " + std::string(what))));
}

} // namespace tradecore::pg::engine
