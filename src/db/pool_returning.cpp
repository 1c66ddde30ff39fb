// SPDX-License-Identifier: Apache-2.0
#include "db/close_after.hpp"
#include "db/exception_text.hpp"
#include "db/learn_status.hpp"
#include "db/pool_waiter.hpp"

#include <tradecore/observe/log.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <string>
#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;
namespace {

// DISCARD ALL without the prepared statements, which the connection counts on. (PostgreSQL documentation, "DISCARD".)
constexpr std::string_view forget_everything =
    "SET SESSION AUTHORIZATION DEFAULT; RESET ALL; CLOSE ALL; UNLISTEN *; "
    "SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES";

/// The pool's own use of what somebody has left in disorder.
usage cleaning_after(const usage& before)
{
    // What that was called need not live on.
    auto who = std::make_shared<const std::string>(text_of({.kind = before.kind, .label = before.label, .keeps = {}}));
    return {.kind = "cleaning after", .label = *who, .keeps = who, .where = before.where};
}

} // namespace

bool is_clean(const physical_connection& connection) noexcept
{
    return connection.in_flight() == 0 && !connection.is_settling() &&
           connection.status() == pg::transaction_status::idle;
}

void pool_core::offer(slot which, clock::time_point now)
{
    if (!takes_part()) {
        drop(which);
        return;
    }
    const bool usable = entries_[which].connection->is_open() && !state_.must_end(which, now);
    if (!usable || !allows(options_.hooks.on_release, which)) {
        drop(which);
        pump();
        return;
    }
    if (const auto next = state_.give_back(which, now))
        hand_over(which, *next);
    else
        entries_[which].users.clear();
    watch_exhaustion(now);
}

bool pool_core::allows(const std::function<bool(physical_connection&)>& hook, slot which) const noexcept
{
    if (!hook)
        return true;
    std::exception_ptr thrown;
    try {
        return hook(*entries_[which].connection);
    }
    catch (...) {
        thrown = std::current_exception();
    }
    try {
        observe::log(
            observe::level::warn, "a hook of the pool threw, its connection is closed",
            {{"database", name_}, {"error", what_of(thrown)}});
    }
    catch (...) {
        // no memory to say so
    }
    return false;
}

bool pool_core::must_reset(const physical_connection& returned) const noexcept
{
    return options_.altered_sessions != altered_session::keep && returned.is_altered();
}

void pool_core::give_back(slot which, const share& of, clock::time_point now) noexcept
{
    if (stage_ == stage::abandoned || is_forked())
        return;
    if (!end_share(which, of, now)) {
        try {
            fill(which);
        }
        catch (...) {
            // Out of memory: who waits is served when the next one ends.
        }
        leave_to_others(which, of, now);
        return;
    }
    bool is_ours = true; // until it is somebody else's, or idle
    try {
        entries_[which].is_lent = false;
        tell_of_return(which);
        physical_connection& returned = *entries_[which].connection;
        if ((is_clean(returned) && !must_reset(returned)) || !returned.is_open() || stage_ == stage::closing) {
            is_ours = false;
            offer(which, now);
            return;
        }
        users_in_order& users = entries_[which].users;
        users.set(cleaning_after(users.front()));
        asio::co_spawn(executor_, clean(shared_from_this(), which), asio::detached);
    }
    catch (...) {
        // Out of memory, most likely. What cannot be kept in order is closed.
        if (is_ours)
            drop(which);
    }
}

asio::awaitable<void> pool_core::clean(std::shared_ptr<pool_core> self, slot which)
{
    physical_connection& dirty = *self->entries_[which].connection;
    try {
        {
            const close_after limit(self->executor_, self->options_.cleanup_timeout, dirty);
            if (dirty.in_flight() > 0)
                co_await learn_status(dirty);
            if (dirty.status() != pg::transaction_status::idle)
                co_await dirty.run_script({"ROLLBACK", nullptr}, {});
            // Both have waited for a request to cancel to be over.
            else if (dirty.is_settling())
                co_await learn_status(dirty);
            if (is_clean(dirty) && self->must_reset(dirty))
                co_await reset(self, &dirty);
        }
        if (dirty.is_open() && is_clean(dirty) && self->must_reset(dirty)) {
            if (self->options_.hooks.on_connect)
                co_await prepare(self, &dirty);
            dirty.forget_alterations();
        }
        if (!is_clean(dirty))
            dirty.close();
    }
    catch (...) {
        if (self->stage_ != stage::abandoned)
            dirty.close();
    }
    if (self->stage_ != stage::abandoned)
        self->offer(which);
}

asio::awaitable<void> pool_core::reset(std::shared_ptr<pool_core> self, physical_connection* altered)
{
    if (self->options_.altered_sessions == altered_session::close) {
        altered->close();
        co_return;
    }
    co_await altered->run_script({forget_everything, nullptr}, {});
}

void pool_core::discard(slot which, const share& of) noexcept
{
    if (stage_ == stage::abandoned || is_forked())
        return;
    const auto now = clock::now();
    if (!end_share(which, of, now)) {
        entries_[which].connection->close(); // the last of the others gives it back
        leave_to_others(which, of, now);
        return;
    }
    entries_[which].is_lent = false;
    try {
        tell_of_return(which);
    }
    catch (...) {
        // no memory to say so
    }
    drop(which);
    try {
        pump();
    }
    catch (...) {
        // no memory for a connect; the next call tries again
    }
}

void pool_core::drop(slot which) noexcept
{
    state_.removed(which);
    close_removed({&which, 1});
    changed();
}

void pool_core::close_removed(std::span<const slot> gone) noexcept
{
    for (const slot which : gone) {
        entries_[which].users.clear();
        const auto connection = std::move(entries_[which].connection);
        connection->close();
    }
}

std::size_t pool_core::evict(const pool::predicate& unwanted)
{
    if (!takes_part() || is_forked())
        return 0;
    const auto ended = state_.evict([&](slot which) { return unwanted(*entries_[which].connection); });
    close_removed(ended.idle);
    for (attempt& under_way : connects_)
        under_way.unwanted.push_back(unwanted);
    pump();
    return ended.idle.size() + ended.active;
}

} // namespace tradecore::detail
