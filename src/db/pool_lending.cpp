// SPDX-License-Identifier: Apache-2.0
#include "db/pool_waiter.hpp"
#include "db/to_ms.hpp"

#include <tradecore/db/errors.hpp>
#include <tradecore/observe/log.hpp>
#include <tradecore/pg/error.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;
using asio::as_tuple;
using boost::system::error_code;

namespace {

constexpr std::size_t label_length = 80;

} // namespace

std::optional<pool_core::slot> pool_core::pick_idle(clock::time_point now)
{
    while (const auto which = state_.take_idle(now)) {
        if (is_fit(*which, now))
            return which;
    }
    return std::nullopt;
}

bool pool_core::is_fit(slot which, clock::time_point now, const share& of)
{
    const entry& found = entries_[which];
    bool usable = found.connection->is_open();
    // What others use already was fit when they got it.
    if (found.is_lent)
        usable = usable && !sharing_.is_stuck(which);
    else
        usable = usable && !state_.must_end(which, now) && is_approved(which, now);
    if (usable)
        return true;
    if (found.is_lent)
        give_back(which, of);
    else
        discard(which, of);
    return false;
}

bool pool_core::is_approved(slot which, clock::time_point now)
{
    if (!options_.hooks.on_acquire)
        return true;
    const bool approved = allows(options_.hooks.on_acquire, which);
    if (approved) {
        state_.approved();
    }
    else if (entries_[which].is_new) {
        // Whoever waits would be given one after the other, without a pause.
        last_connect_error_ = std::make_exception_ptr(pg::connection_error(
            pg::client_errc::cannot_connect,
            fmt::format("pool '{}': pool_hooks.on_acquire refused a connection that had just been made", name_)));
        state_.turned_down(now, lottery());
        observe::log(
            observe::level::warn, "on_acquire refused a connection that had just been made", {{"database", name_}});
    }
    return approved;
}

lease pool_core::lend(slot which, usage user, clock::time_point now, const share& of)
{
    entry& lent = entries_[which];
    lease made(shared_from_this(), lent.connection.get(), which, of);
    if (lent.users.join(of.place, std::move(user)))
        lent.since = now;
    lent.is_lent = true;
    lent.is_new = false;
    watch_exhaustion(now);
    return made;
}

lease pool_core::try_acquire(usage user, share wanted, clock::time_point now)
{
    require_open();
    if (const auto which = pick_idle(now)) {
        counted_.acquire.add(clock::duration::zero());
        return lend(*which, std::move(user), now, begin_share(*which, wanted, now));
    }
    return try_join(user, wanted, now);
}

asio::awaitable<lease>
pool_core::acquire(std::shared_ptr<pool_core> self, usage user, std::optional<clock::time_point> until, share wanted)
{
    const auto began = clock::now();
    auto limit = began + self->options_.acquire_timeout;
    if (until)
        limit = std::min(limit, *until);
    for (auto asked = began;; asked = clock::now()) {
        self->require_open();
        if (const auto which = self->pick_idle(asked)) {
            self->counted_.acquire.add(asked - began);
            co_return self->lend(*which, std::move(user), asked, self->begin_share(*which, wanted, asked));
        }
        waiter waiting(*self, began, limit, wanted);
        wanted.place = waiting.ticket;
        self->pump();
        error_code ended;
        if (!waiting.is_answered()) {
            const auto outcome = co_await waiting.timer.async_wait(as_tuple(asio::use_awaitable));
            ended = std::get<0>(outcome);
        }
        if (waiting.error)
            std::rethrow_exception(waiting.error);
        if (waiting.granted) {
            // Much may have happened to it between the promise and now.
            const slot which = *std::exchange(waiting.granted, std::nullopt);
            const auto now = clock::now();
            if (self->is_fit(which, now, waiting.has)) {
                self->counted_.acquire.add(now - began);
                if (!waiting.waited_for.empty())
                    self->warn_of_wait(now - began, user, waiting.waited_for);
                waiting.has.place = waiting.ticket;
                co_return self->lend(which, std::move(user), now, waiting.has);
            }
            if (now < limit)
                continue;
        }
        else if (ended) {
            throw boost::system::system_error(asio::error::operation_aborted);
        }
        std::rethrow_exception(self->timeout_reason(began));
    }
}

void pool_core::warn_of_wait(clock::duration took, const usage& user, std::string_view waited_for) const
{
    observe::log(
        observe::level::warn, slow_acquire_line(name_, to_ms(took), options_.slow_acquire),
        {{"database", name_},
         {"took_ms", to_ms(took).count()},
         {"threshold_ms", options_.slow_acquire.count()},
         {"user", user.kind},
         {"name", shorten(user.label, label_length)},
         {"location", place_of(user.where)},
         {"waiting", stats().waiting},
         {"holders", waited_for}});
}

void pool_core::serve(pool_state::ticket who, slot which)
{
    waiter& next = *waiters_.at(who);
    next.granted = which;
    next.timer.cancel();
    const auto now = clock::now();
    next.has = begin_share(which, next.wanted, now);
    if (is_slow(now - next.began))
        next.waited_for = holders(which); // who it was is known now only
}

void pool_core::hand_over(slot which, pool_state::ticket next)
{
    serve(next, which);
    fill(which);
    entries_[which].users.clear();
}

void pool_core::refuse(pool_state::ticket who, const std::exception_ptr& why)
{
    waiter& next = *waiters_.at(who);
    next.error = why;
    next.timer.cancel();
}

void pool_core::watch_exhaustion(clock::time_point now)
{
    const auto numbers = state_.stats();
    if (!exhaustion_.update(numbers.active, numbers.maximum, now))
        return;
    observe::log(
        observe::level::warn, pool_exhaustion_line(name_, numbers.active, numbers.maximum),
        {{"database", name_},
         {"active", numbers.active},
         {"maximum", numbers.maximum},
         {"waiting", numbers.waiting},
         {"holders", holders()}});
}

} // namespace tradecore::detail
