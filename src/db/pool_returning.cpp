// SPDX-License-Identifier: Apache-2.0
#include "db/close_after.hpp"
#include "db/pool_waiter.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;
namespace {

pg::statement plain(std::string_view sql)
{
    return {.sql = {sql, nullptr}, .arguments = {}};
}

} // namespace

void pool_core::offer(slot which)
{
    const auto now = clock::now();
    entries_[which].user = {};
    if (stage_ != stage::open && stage_ != stage::opening) {
        drop(which);
        return;
    }
    if (!entries_[which].connection->is_open() || state_.is_expired(which, now)) {
        drop(which);
        pump();
        return;
    }
    if (const auto next = state_.give_back(which, now))
        serve(*next, which);
    watch_exhaustion();
}

void pool_core::give_back(slot which) noexcept
{
    if (stage_ == stage::abandoned)
        return;
    try {
        physical_connection& returned = *entries_[which].connection;
        const bool clean_already =
            returned.in_flight() == 0 && !returned.is_settling() && returned.status() == pg::transaction_status::idle;
        if (clean_already || !returned.is_open() || stage_ == stage::closing) {
            offer(which);
            return;
        }
        entries_[which].user = {.kind = "cleaning", .label = {}, .keeps = {}};
        entries_[which].since = clock::now();
        asio::co_spawn(executor_, clean(shared_from_this(), which), asio::detached);
    }
    catch (...) {
        // Out of memory, most likely. What cannot be kept in order is closed.
        drop(which);
    }
}

asio::awaitable<void> pool_core::clean(std::shared_ptr<pool_core> self, slot which)
{
    physical_connection& dirty = *self->entries_[which].connection;
    try {
        const close_after limit(self->executor_, self->options_.cleanup_timeout, dirty);
        // What is in flight is answered before this, and only then its transaction status is known.
        if (dirty.in_flight() > 0)
            co_await dirty.run(plain("SELECT 1"));
        if (dirty.status() != pg::transaction_status::idle)
            co_await dirty.run_script({"ROLLBACK", nullptr}, {});
        // Both have waited for a request to cancel to be over.
        else if (dirty.is_settling())
            co_await dirty.run(plain("SELECT 1"));
        if (dirty.in_flight() > 0 || dirty.is_settling() || dirty.status() != pg::transaction_status::idle)
            dirty.close();
    }
    catch (...) {
        if (self->stage_ != stage::abandoned)
            dirty.close();
    }
    if (self->stage_ != stage::abandoned)
        self->offer(which);
}

void pool_core::discard(slot which) noexcept
{
    if (stage_ == stage::abandoned)
        return;
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
    entry& ended = entries_[which];
    const auto connection = std::move(ended.connection);
    ended.user = {};
    state_.removed(which);
    connection->close();
    changed();
}

} // namespace tradecore::detail
