// SPDX-License-Identifier: Apache-2.0
#include "db/pool_waiter.hpp"

#include <tradecore/db/errors.hpp>
#include <tradecore/observe/log.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;
using asio::as_tuple;
using boost::system::error_code;

namespace {

// Event, farewell, event, end: one more than that.
constexpr int turns_to_notice_an_end = 5;
constexpr std::size_t label_length = 80;

std::chrono::milliseconds to_ms(std::chrono::steady_clock::duration time)
{
    return std::chrono::duration_cast<std::chrono::milliseconds>(time);
}

} // namespace

lease pool_core::lend(slot which, usage user)
{
    entry& lent = entries_[which];
    lent.user = std::move(user);
    lent.since = clock::now();
    watch_exhaustion();
    return {shared_from_this(), lent.connection.get(), which};
}

lease pool_core::try_acquire(usage user)
{
    require_open();
    const auto now = clock::now();
    while (const auto which = state_.take_idle()) {
        const bool usable = entries_[*which].connection->is_open() && !state_.is_expired(*which, now);
        if (usable && state_.idle_for(*which, now) <= options_.idle_check_after)
            return lend(*which, std::move(user));
        if (usable) {
            // Needs a look that takes a moment: that is acquire's to do.
            state_.give_back(*which, now - state_.idle_for(*which, now));
            return {};
        }
        drop(*which);
    }
    return {};
}

asio::awaitable<lease>
pool_core::acquire(std::shared_ptr<pool_core> self, usage user, std::optional<clock::time_point> until)
{
    self->require_open();
    const auto began = clock::now();
    while (const auto which = self->state_.take_idle()) {
        lease taken = self->lend(*which, user);
        if (self->state_.idle_for(*which, began) > self->options_.idle_check_after) {
            // What came while nobody looked, a farewell and the end of the stream behind it, is read and handled
            // within a few turns of the loop.
            for (int turn = 0; turn < turns_to_notice_an_end && taken->is_open(); ++turn)
                co_await asio::post(self->executor_, asio::use_awaitable);
        }
        if (taken->is_open() && !self->state_.is_expired(*which, began))
            co_return taken;
        taken.discard();
    }
    self->require_open();

    auto limit = began + self->options_.acquire_timeout;
    if (until)
        limit = std::min(limit, *until);
    waiter waiting(*self, limit);
    self->pump();
    error_code ended;
    if (!waiting.is_answered()) {
        const auto outcome = co_await waiting.timer.async_wait(as_tuple(asio::use_awaitable));
        ended = std::get<0>(outcome);
    }
    const auto took = clock::now() - began;
    if (waiting.error)
        std::rethrow_exception(waiting.error);
    if (waiting.granted) {
        if (self->options_.slow_acquire.count() > 0 && took > self->options_.slow_acquire) {
            observe::log(
                observe::level::warn, slow_acquire_line(self->name_, to_ms(took), self->options_.slow_acquire),
                {{"database", self->name_},
                 {"took_ms", to_ms(took).count()},
                 {"threshold_ms", self->options_.slow_acquire.count()},
                 {"user", user.kind},
                 {"name", shorten(user.label, label_length)},
                 {"location", place_of(user.where)},
                 {"waiting", self->stats().waiting}});
        }
        const slot which = *std::exchange(waiting.granted, std::nullopt);
        co_return self->lend(which, std::move(user));
    }
    if (ended)
        throw boost::system::system_error(asio::error::operation_aborted);
    std::rethrow_exception(self->timeout_reason(began));
}

void pool_core::serve(pool_state::ticket who, slot which)
{
    waiter& next = *waiters_.at(who);
    next.granted = which;
    next.timer.cancel();
}

void pool_core::refuse(pool_state::ticket who, const std::exception_ptr& why)
{
    waiter& next = *waiters_.at(who);
    next.error = why;
    next.timer.cancel();
}

void pool_core::watch_exhaustion()
{
    const auto numbers = state_.stats();
    if (!exhaustion_.update(numbers.active, numbers.maximum, clock::now()))
        return;
    observe::log(
        observe::level::warn, pool_exhaustion_line(name_, numbers.active, numbers.maximum),
        {{"database", name_}, {"active", numbers.active}, {"maximum", numbers.maximum}, {"waiting", numbers.waiting}});
}

} // namespace tradecore::detail
