// SPDX-License-Identifier: Apache-2.0
#include "db/close_after.hpp"
#include "db/database_core.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;

// While callers are refused one coroutine finds out when that may end. It does not keep the database: one that
// nobody has a handle of any more needs no probes.

/// The timer of that coroutine, which lives on its frame and goes with it: a database that is a global outlives
/// the event loop.
class database_core::outage_watch {
public:
    outage_watch(const asio::any_io_executor& executor, std::weak_ptr<database_core> of)
        : timer(executor), of_(std::move(of))
    {
        const auto core = of_.lock();
        if (core && core->next_probe_ == nullptr)
            core->next_probe_ = &timer;
    }
    outage_watch(const outage_watch&) = delete;
    outage_watch& operator=(const outage_watch&) = delete;
    outage_watch(outage_watch&&) = delete;
    outage_watch& operator=(outage_watch&&) = delete;
    ~outage_watch()
    {
        const auto core = of_.lock();
        if (core && core->next_probe_ == &timer)
            core->next_probe_ = nullptr;
    }

    [[nodiscard]] bool is_the_only_one() const
    {
        const auto core = of_.lock();
        return core && core->next_probe_ == &timer;
    }

    asio::steady_timer timer;

private:
    std::weak_ptr<database_core> of_;
};

/// The connection it asks on, for as long as it does: an event loop that dies destroys both, and the database may
/// outlive it.
class database_core::probing {
public:
    probing(database_core& of, physical_connection& on) : of_(of) { of_.probing_ = &on; }
    probing(const probing&) = delete;
    probing& operator=(const probing&) = delete;
    probing(probing&&) = delete;
    probing& operator=(probing&&) = delete;
    ~probing() { of_.probing_ = nullptr; }

private:
    database_core& of_;
};

// Called whenever the breaker opens or closes.
void database_core::watch_outage()
{
    if (!breaker_)
        return;
    if (next_probe_ != nullptr)
        next_probe_->cancel(); // it asks again what to wait for
    else if (breaker_->next_background_probe())
        asio::co_spawn(executor_, run_probes(weak_from_this()), asio::detached);
}

void database_core::end_probing() noexcept
{
    // Both wake the coroutine, which finds the database closed or gone.
    if (next_probe_ != nullptr)
        next_probe_->cancel();
    if (probing_ != nullptr)
        probing_->close();
}

asio::awaitable<void> database_core::run_probes(std::weak_ptr<database_core> of)
{
    outage_watch watch(co_await asio::this_coro::executor, of);
    while (watch.is_the_only_one()) {
        auto core = of.lock();
        const auto due = core->breaker_->next_background_probe();
        if (!due || !core->pool_->is_open())
            co_return;
        watch.timer.expires_after(std::max(*due - core->retries_->now(), clock::duration::zero()));
        core.reset();
        co_await watch.timer.async_wait(asio::as_tuple(asio::use_awaitable));
        core = of.lock();
        if (core)
            co_await probe_once(std::move(core));
    }
}

asio::awaitable<void> database_core::probe_once(std::shared_ptr<database_core> self)
{
    auto by = self->breaker_->begin_background_probe();
    if (!by)
        co_return;
    // A connection of the pool: one that is made for this is the first of those that will be needed. What is idle
    // may have been lost without notice, which says nothing about the next one.
    self->pool_->end_pause();
    for (auto others = self->pool_->stats().idle;; --others) {
        lease connection;
        std::exception_ptr error;
        try {
            usage user{.kind = "circuit breaker's probe", .label = {}, .keeps = {}};
            connection = co_await self->pool_->acquire(std::move(user), by.limit().when());
            const close_after limit(self->executor_, by.limit().remaining(self->retries_->now()), *connection);
            const probing now(*self, *connection);
            co_await connection->run({.sql = {"SELECT 1", nullptr}, .arguments = {}});
        }
        catch (...) {
            error = std::current_exception();
        }
        if (!error) {
            by.succeeded();
            co_return;
        }
        const bool lost = connection && !connection->is_open();
        if (lost && others > 0 && self->pool_->is_open() && !by.limit().has_passed(self->retries_->now()))
            continue;
        if (connection)
            by.failed(error, facts_of(*connection, true));
        else
            by.failed(error, {.phase = attempt_phase::acquiring});
        co_return;
    }
}

} // namespace tradecore::detail
