// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution.hpp>

#include <memory>
#include <utility>

namespace tradecore {

/// One entry of an ambient context: a value under a key. Entries are immutable and shared, so a context
/// can be read from anywhere and "changing" it means putting an entry in front.
struct ambient_entry {
    const void* key;
    /// May be null: the key is masked, whatever lies below.
    std::shared_ptr<void> value;
    std::shared_ptr<const ambient_entry> next;
};

/// What a coroutine knows of its surroundings: the transactions it runs in, one per database.
using ambient_context = std::shared_ptr<const ambient_entry>;

/// An executor that runs work on another one and carries an ambient context.
///
/// The context travels in the executor because Asio hands the executor on by itself: to nested
/// awaitables, timers, groups, strands and everything spawned with `co_spawn(this_coro::executor, …)`.
/// It is lost by `co_spawn(some other executor, …)`; `with_context(other, context_of(mine))` keeps it.
///
/// It is one pointer and flags, so that `any_io_executor` keeps it without allocating.
/// Thread safety: copies may be used by any number of threads. Lifetimes: as of the executor inside.
class context_executor {
public:
    context_executor(boost::asio::any_io_executor inner, ambient_context context);
    context_executor(const context_executor& other) noexcept;
    context_executor(context_executor&& other) noexcept
        : state_(std::exchange(other.state_, nullptr)), flags_(other.flags_)
    {}
    context_executor& operator=(context_executor other) noexcept
    {
        std::swap(state_, other.state_);
        std::swap(flags_, other.flags_);
        return *this;
    }
    ~context_executor();

    [[nodiscard]] const ambient_context& context() const noexcept;
    [[nodiscard]] const boost::asio::any_io_executor& inner() const noexcept;

    bool operator==(const context_executor& other) const noexcept
    {
        return state_ == other.state_ && flags_ == other.flags_;
    }

    // --- what Asio asks of an executor (Boost.Asio documentation, "Executor requirements") ---------
    [[nodiscard]] boost::asio::execution_context& query(boost::asio::execution::context_t tag) const noexcept;
    [[nodiscard]] boost::asio::execution::blocking_t query(boost::asio::execution::blocking_t tag) const noexcept;
    [[nodiscard]] context_executor require(boost::asio::execution::blocking_t::never_t) const
    {
        return {state_, flags_ | never_blocking};
    }
    [[nodiscard]] context_executor require(boost::asio::execution::blocking_t::possibly_t) const
    {
        return {state_, flags_ & ~never_blocking};
    }
    [[nodiscard]] context_executor require(boost::asio::execution::outstanding_work_t::tracked_t) const
    {
        return {state_, flags_ | tracks_work};
    }
    [[nodiscard]] context_executor require(boost::asio::execution::outstanding_work_t::untracked_t) const
    {
        return {state_, flags_ & ~tracks_work};
    }
    template <class Function>
    void execute(Function&& function) const
    {
        target().execute(std::forward<Function>(function));
    }

private:
    struct shared_state;
    static constexpr unsigned never_blocking = 1;
    static constexpr unsigned tracks_work = 2;

    context_executor(shared_state* state, unsigned flags);
    void share() const;
    void release() noexcept;
    [[nodiscard]] const boost::asio::any_io_executor& target() const noexcept;

    shared_state* state_;
    unsigned flags_;
};

/// @returns the context an executor carries, null for none; sees through a strand around it.
[[nodiscard]] ambient_context context_of(const boost::asio::any_io_executor& executor);

/// @returns `executor` with `context` instead of its own; never a context executor inside another.
[[nodiscard]] boost::asio::any_io_executor
with_context(const boost::asio::any_io_executor& executor, ambient_context context);

/// @returns `executor` outside every ambient transaction.
[[nodiscard]] boost::asio::any_io_executor without_context(const boost::asio::any_io_executor& executor);

namespace detail {
/// @returns the nearest entry of `key`, or null. Valid as long as the executor.
[[nodiscard]] const ambient_entry* find_ambient(const boost::asio::any_io_executor& executor, const void* key) noexcept;
} // namespace detail

/// A variable whose value belongs to a line of coroutines instead of a thread; the object's address is
/// the key.
///
/// Lifetimes: must outlive every context in which it was set.
template <class T>
class context_var {
public:
    context_var() = default;
    context_var(const context_var&) = delete;
    context_var& operator=(const context_var&) = delete;
    ~context_var() = default;

    /// @returns the value seen from `executor`, or null.
    [[nodiscard]] std::shared_ptr<T> get(const boost::asio::any_io_executor& executor) const
    {
        const auto* entry = detail::find_ambient(executor, this);
        return entry == nullptr ? nullptr : std::static_pointer_cast<T>(entry->value);
    }

    /// @returns the same without a share in it: valid as long as the executor.
    [[nodiscard]] const T* find(const boost::asio::any_io_executor& executor) const noexcept
    {
        const auto* entry = detail::find_ambient(executor, this);
        return entry == nullptr ? nullptr : static_cast<const T*>(entry->value.get());
    }

    /// @returns `below` with `value` in front of it; nobody who has `below` notices.
    [[nodiscard]] ambient_context set(ambient_context below, std::shared_ptr<T> value) const
    {
        return std::make_shared<const ambient_entry>(ambient_entry{this, std::move(value), std::move(below)});
    }
};

} // namespace tradecore
