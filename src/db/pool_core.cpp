// SPDX-License-Identifier: Apache-2.0
#include "db/pool_core.hpp"

#include <tradecore/db/ambient.hpp>
#include <tradecore/db/errors.hpp>
#include <tradecore/observe/log.hpp>
#include <tradecore/resilience/deadline.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;
using asio::as_tuple;
using boost::system::error_code;

/// Wakes a coroutine whenever something about the pool has changed.
class pool_core::watch {
public:
    watch(pool_core& of, clock::time_point until) : of_(of), timer_(of.executor_), until_(until)
    {
        of_.watches_.push_back(this);
    }
    watch(watch&&) = delete;
    watch& operator=(watch&&) = delete;
    ~watch() { std::erase(of_.watches_, this); }

    /// @returns operation_aborted when something changed or the coroutine was cancelled, else nothing: the
    ///          time is up.
    asio::awaitable<error_code> next()
    {
        timer_.expires_at(until_);
        auto [ended] = co_await timer_.async_wait(as_tuple(asio::use_awaitable));
        co_return ended;
    }
    void notify() { timer_.cancel(); }

private:
    pool_core& of_;
    asio::steady_timer timer_;
    clock::time_point until_;
};

class pool_core::end_of_context final : public pg::abandonable {
public:
    end_of_context(asio::execution_context& context, pool_core& of) : pg::abandonable(context), of_(of) {}
    ~end_of_context() = default;
    end_of_context(const end_of_context&) = delete;
    end_of_context& operator=(const end_of_context&) = delete;
    end_of_context(end_of_context&&) = delete;
    end_of_context& operator=(end_of_context&&) = delete;

    void abandon() noexcept override { of_.abandon(); }

private:
    pool_core& of_;
};

pool_core::pool_core(asio::any_io_executor executor, std::string name, pool_options options, connector connect)
    : executor_(without_context(executor)), name_(std::move(name)), options_(options), connect_(std::move(connect)),
      state_(options_), sharing_(options_.sharing), exhaustion_(options_.exhaustion_threshold),
      random_(std::random_device{}()), timer_(std::make_unique<asio::steady_timer>(executor_)),
      leak_timer_(std::make_unique<asio::steady_timer>(executor_)),
      share_timer_(std::make_unique<asio::steady_timer>(executor_)),
      end_of_context_(std::make_unique<end_of_context>(asio::query(executor_, asio::execution::context), *this))
{
    options_.validate();
}

pool_core::~pool_core()
{
    if (!is_forked())
        return;
    // The sockets are the parent's: saying goodbye would end its sessions, and closing them through the event loop,
    // which is shared with it too, would make it deaf. They stay open until this process ends or runs another program.
    for (entry& one : entries_) [[maybe_unused]]
        const auto* const left_open = one.connection.release();
}

double pool_core::lottery()
{
    return std::uniform_real_distribution<double>(0.0, 1.0)(random_);
}

void pool_core::require_open() const
{
    if (is_forked())
        throw database_closed(
            "database '" + name_ + "' belongs to the process that this one was forked from; open one of your own");
    switch (stage_) {
    case stage::open:
        return;
    case stage::closed:
    case stage::opening:
        throw database_closed("database '" + name_ + "' is not open");
    case stage::closing:
    case stage::abandoned:
        throw database_closed("database '" + name_ + "' is closing");
    }
}

// --- opening and closing --------------------------------------------------------------------------

void pool_core::changed() noexcept
{
    if (stage_ == stage::closing && state_.is_empty())
        stage_ = stage::closed;
    for (watch* one : watches_)
        one->notify();
}

asio::awaitable<void> pool_core::open(std::shared_ptr<pool_core> self)
{
    if (self->is_forked())
        self->require_open();
    if (self->stage_ != stage::closed) {
        if (self->stage_ == stage::open)
            throw std::logic_error("database '" + self->name_ + "' is open already");
        throw database_closed("database '" + self->name_ + "' is being opened or closed");
    }
    // Whatever ends this coroutine early closes the pool.
    struct opening {
        std::shared_ptr<pool_core> pool;
        unsigned life;
        explicit opening(std::shared_ptr<pool_core> of) : pool(std::move(of)), life(++pool->lives_) {}
        opening(opening&&) = delete;
        opening& operator=(opening&&) = delete;
        ~opening()
        {
            if (goes_on())
                pool->begin_closing();
        }
        /// @returns false when the pool was closed meanwhile, and maybe is being opened again.
        [[nodiscard]] bool goes_on() const noexcept { return pool->stage_ == stage::opening && pool->lives_ == life; }
    };

    // Tickets go on: those who were sent away may still be on their way out.
    self->state_ = pool_state(self->options_, self->state_.pass());
    self->stage_ = stage::opening;
    self->last_connect_error_ = nullptr;
    self->opening_error_ = nullptr;
    self->server_is_full_ = false;
    const opening attempt(self);
    watch changes(*self, clock::time_point::max());
    self->pump();
    const auto needs_more = [&] {
        return !self->opening_error_ && !self->server_is_full_ && self->stats().size < self->stats().minimum;
    };
    while (attempt.goes_on() && needs_more())
        co_await changes.next();
    if (!attempt.goes_on())
        throw database_closed("database '" + self->name_ + "' is closing");
    if (!self->opening_error_) {
        self->stage_ = stage::open;
        if (self->options_.leak_detection.count() > 0)
            self->look_for_leaks();
        co_return;
    }
    const auto failure = self->opening_error_;
    self->begin_closing();
    while (self->stage_ == stage::closing)
        co_await changes.next();
    std::rethrow_exception(failure);
}

void pool_core::begin_closing()
{
    if (stage_ == stage::abandoned || stage_ == stage::closed || is_forked())
        return;
    stage_ = stage::closing;
    state_.begin_closing();
    timer_->cancel();
    leak_timer_->cancel();
    share_timer_->cancel();
    for (auto next = connects_.begin(); next != connects_.end();) {
        attempt& under_way = *next++; // may end at once, and is gone then
        under_way.cancel.emit(asio::cancellation_type::terminal);
    }
    const auto why = std::make_exception_ptr(database_closed("database '" + name_ + "' is closing"));
    for (const auto who : state_.take_all_waiters())
        refuse(who, why);
    close_removed(state_.take_all_idle());
    for (slot which = 0; which < entries_.size(); ++which) {
        // Places of an earlier life are empty, and the state does not know them.
        if (entries_[which].connection && state_.is_checked(which))
            entries_[which].connection->close(); // what its check finds
    }
    changed();
}

void pool_core::suspend()
{
    require_open();
    if (!state_.is_suspended())
        suspended_at_ = clock::now();
    state_.suspend();
    observe::log(observe::level::info, "pool suspended", {{"database", name_}});
}

void pool_core::resume()
{
    require_open();
    for (const auto& [which, owner] : state_.resume(clock::now())) {
        entries_[which].users.set({.kind = "suspension", .label = {}, .keeps = {}});
        entries_[which].since = suspended_at_;
        hand_over(which, *owner);
    }
    observe::log(observe::level::info, "pool resumed", {{"database", name_}});
    pump();
}

void pool_core::close_lent() noexcept
{
    for (entry& one : entries_) {
        if (one.connection)
            one.connection->close();
    }
}

asio::awaitable<void> pool_core::close(std::shared_ptr<pool_core> self, std::chrono::milliseconds limit)
{
    if (self->stage_ == stage::closed || self->stage_ == stage::abandoned || self->is_forked())
        co_return;
    self->begin_closing();
    bool forced = false;
    std::exception_ptr interrupted;
    watch changes(*self, resilience::deadline::after(clock::now(), limit).when());
    while (self->stage_ == stage::closing && !forced) {
        error_code ended;
        try {
            ended = co_await changes.next();
        }
        catch (...) {
            interrupted = std::current_exception();
        }
        const auto cancelled = (co_await asio::this_coro::cancellation_state).cancelled();
        forced = !ended || interrupted || cancelled != asio::cancellation_type::none;
    }
    if (forced) {
        observe::log(
            observe::level::warn, "connections closed under their users",
            {{"database", self->name_}, {"connections", self->stats().size}});
        self->close_lent();
    }
    if (interrupted)
        std::rethrow_exception(interrupted);
}

// The context ends: sockets and timers must go before it; what still refers to them never runs again.
void pool_core::abandon() noexcept
{
    const auto keep = weak_from_this().lock();
    stage_ = stage::abandoned;
    timer_.reset();
    leak_timer_.reset();
    share_timer_.reset();
    for (entry& one : entries_)
        one.connection.reset();
    end_of_context_.reset();
}

} // namespace tradecore::detail
