// SPDX-License-Identifier: Apache-2.0
#include "db/pool_core.hpp"

#include "db/close_after.hpp"

#include <tradecore/db/ambient.hpp>
#include <tradecore/db/errors.hpp>
#include <tradecore/observe/log.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;
using asio::as_tuple;
using boost::system::error_code;

namespace {

// Event, farewell, event, end: one more than that.
constexpr int turns_to_notice_an_end = 5;
constexpr std::size_t named_holders = 5;
constexpr std::size_t label_length = 80;

std::chrono::milliseconds to_ms(std::chrono::steady_clock::duration time)
{
    return std::chrono::duration_cast<std::chrono::milliseconds>(time);
}

std::string what_of(const std::exception_ptr& error)
{
    try {
        std::rethrow_exception(error);
    }
    catch (const std::exception& e) {
        return e.what();
    }
    catch (...) {
        return "unknown error";
    }
}

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

pg::statement plain(std::string_view sql)
{
    return {.sql = {sql, nullptr}, .arguments = {}};
}

} // namespace

/// A suspended caller; lives on its coroutine's frame, so that destroying the frame ends the wait.
struct pool_core::waiter {
    pool_core& pool;
    pool_state::ticket ticket;
    asio::steady_timer timer;
    std::optional<slot> granted;
    std::exception_ptr error;

    waiter(pool_core& of, clock::time_point until) : pool(of), ticket(of.state_.wait()), timer(of.executor_, until)
    {
        pool.waiters_.emplace(ticket, this);
    }
    waiter(waiter&&) = delete;
    waiter& operator=(waiter&&) = delete;
    ~waiter()
    {
        pool.waiters_.erase(ticket);
        pool.state_.withdraw(ticket);
        if (granted)
            pool.give_back(*granted); // granted too late: it goes to the next
    }

    [[nodiscard]] bool is_answered() const noexcept { return granted || error; }
};

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
      state_(options_), exhaustion_(options_.exhaustion_threshold), random_(std::random_device{}()),
      timer_(std::make_unique<asio::steady_timer>(executor_)),
      end_of_context_(std::make_unique<end_of_context>(asio::query(executor_, asio::execution::context), *this))
{
    options_.validate();
}

pool_core::~pool_core() = default;

double pool_core::lottery()
{
    return std::uniform_real_distribution<double>(0.0, 1.0)(random_);
}

void pool_core::require_open() const
{
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

// --- lending ---------------------------------------------------------------------------------------

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
                 {"user", user.kind},
                 {"waiting", self->stats().waiting}});
        }
        const slot which = *std::exchange(waiting.granted, std::nullopt);
        co_return self->lend(which, std::move(user));
    }
    if (ended)
        throw boost::system::system_error(asio::error::operation_aborted);
    std::rethrow_exception(self->timeout_reason(began));
}

std::exception_ptr pool_core::timeout_reason(clock::time_point since) const
{
    const auto waited = to_ms(clock::now() - since).count();
    const auto numbers = state_.stats();
    // With the pool at its size nobody connects: then the others' use is the reason, whatever happened before.
    if (last_connect_error_ && numbers.size < numbers.maximum) {
        return std::make_exception_ptr(pool_timeout(
            db_errc::pool_cannot_connect,
            fmt::format(
                "pool '{}': no connection within {} ms, connecting fails: {}", name_, waited,
                what_of(last_connect_error_)),
            last_connect_error_));
    }
    if (numbers.size < numbers.maximum) {
        return std::make_exception_ptr(pool_timeout(
            db_errc::pool_exhausted,
            fmt::format(
                "pool '{}': no connection within {} ms: {} of at most {} are in use, {} are being made; {}", name_,
                waited, numbers.active, numbers.maximum, numbers.connecting, holders())));
    }
    return std::make_exception_ptr(pool_timeout(
        db_errc::pool_exhausted, fmt::format(
                                     "pool '{}': no connection within {} ms: all {} are in use; {}", name_, waited,
                                     numbers.maximum, holders())));
}

std::string pool_core::holders() const
{
    std::vector<const entry*> lent;
    for (const entry& one : entries_) {
        if (one.connection)
            lent.push_back(&one);
    }
    std::ranges::sort(lent, {}, &entry::since);
    std::string text;
    const auto now = clock::now();
    for (const entry* one : lent) {
        if (one == lent[0])
            text += "held longest by ";
        else if (one == lent[std::min(named_holders, lent.size() - 1)] && lent.size() > named_holders)
            return text + fmt::format(", and {} more", lent.size() - named_holders);
        else
            text += ", ";
        text += one->user.kind;
        if (!one->user.label.empty())
            text += " " + shorten(one->user.label, label_length);
        text += fmt::format(" for {} ms", to_ms(now - one->since).count());
    }
    return text.empty() ? "nobody holds one" : text;
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

// --- taking back -----------------------------------------------------------------------------------

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

// --- connecting ------------------------------------------------------------------------------------

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

// --- opening and closing ---------------------------------------------------------------------------

void pool_core::changed() noexcept
{
    if (stage_ == stage::closing && state_.is_empty())
        stage_ = stage::closed;
    for (watch* one : watches_)
        one->notify();
}

asio::awaitable<void> pool_core::open(std::shared_ptr<pool_core> self)
{
    if (self->stage_ != stage::closed) {
        if (self->stage_ == stage::open)
            throw std::logic_error("database '" + self->name_ + "' is open already");
        throw database_closed("database '" + self->name_ + "' is being opened or closed");
    }
    // Whatever ends this coroutine early closes the pool.
    struct opening {
        std::shared_ptr<pool_core> pool;
        explicit opening(std::shared_ptr<pool_core> of) : pool(std::move(of)) {}
        opening(opening&&) = delete;
        opening& operator=(opening&&) = delete;
        ~opening()
        {
            if (pool->stage_ == stage::opening)
                pool->begin_closing();
        }
    };

    self->state_ = pool_state(self->options_);
    self->stage_ = stage::opening;
    self->last_connect_error_ = nullptr;
    self->opening_error_ = nullptr;
    const opening attempt(self);
    watch changes(*self, clock::time_point::max());
    self->pump();
    while (!self->opening_error_ && self->stats().size < self->stats().minimum)
        co_await changes.next();
    if (!self->opening_error_) {
        self->stage_ = stage::open;
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
    if (stage_ == stage::abandoned || stage_ == stage::closed)
        return;
    stage_ = stage::closing;
    state_.begin_closing();
    timer_->cancel();
    for (auto& signal : connects_)
        signal.emit(asio::cancellation_type::terminal);
    const auto why = std::make_exception_ptr(database_closed("database '" + name_ + "' is closing"));
    for (const auto who : state_.take_all_waiters())
        refuse(who, why);
    for (const slot which : state_.take_all_idle()) {
        const auto connection = std::move(entries_[which].connection);
        connection->close();
    }
    changed();
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
    if (self->stage_ == stage::closed || self->stage_ == stage::abandoned)
        co_return;
    self->begin_closing();
    bool forced = false;
    std::exception_ptr interrupted;
    watch changes(*self, clock::now() + limit);
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
    for (entry& one : entries_)
        one.connection.reset();
    end_of_context_.reset();
}

} // namespace tradecore::detail
