// SPDX-License-Identifier: Apache-2.0
#include <tradecore/db/ambient.hpp>

#include <boost/asio/strand.hpp>

#include <atomic>
#include <mutex>
#include <optional>

namespace tradecore {
namespace asio = boost::asio;

struct context_executor::shared_state {
    std::atomic<long> references{1};
    // How many copies keep the inner executor's run() from returning. One piece of work of the inner
    // executor stands for all of them, so that a copy costs a counter and not a type-erased copy.
    std::atomic<long> tracking{0};
    std::mutex first_and_last;
    std::optional<asio::any_io_executor> work;
    asio::any_io_executor inner;
    asio::any_io_executor never;
    asio::execution_context* execution;
    ambient_context context;

    shared_state(asio::any_io_executor executor, ambient_context carried)
        : inner(std::move(executor)), never(asio::require(inner, asio::execution::blocking.never)),
          execution(&asio::query(inner, asio::execution::context)), context(std::move(carried))
    {}

    void track()
    {
        for (long seen = tracking.load(std::memory_order_relaxed); seen > 0;) {
            if (tracking.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel))
                return;
        }
        const std::lock_guard lock(first_and_last);
        if (tracking.load() == 0)
            work.emplace(asio::prefer(inner, asio::execution::outstanding_work.tracked));
        tracking.fetch_add(1);
    }

    void untrack() noexcept
    {
        for (long seen = tracking.load(std::memory_order_relaxed); seen > 1;) {
            if (tracking.compare_exchange_weak(seen, seen - 1, std::memory_order_acq_rel))
                return;
        }
        std::optional<asio::any_io_executor> ended; // goes after the lock: the executor may do anything
        const std::lock_guard lock(first_and_last);
        if (tracking.fetch_sub(1) == 1)
            ended.swap(work);
    }
};

context_executor::context_executor(asio::any_io_executor inner, ambient_context context)
    : state_(new shared_state(std::move(inner), std::move(context))), flags_(0)
{}

context_executor::context_executor(shared_state* state, unsigned flags) : state_(state), flags_(flags)
{
    share();
}

context_executor::context_executor(const context_executor& other) noexcept : state_(other.state_), flags_(other.flags_)
{
    share();
}

context_executor::~context_executor()
{
    release();
}

void context_executor::share() const
{
    state_->references.fetch_add(1, std::memory_order_relaxed);
    if ((flags_ & tracks_work) != 0)
        state_->track();
}

void context_executor::release() noexcept
{
    if (state_ == nullptr)
        return;
    if ((flags_ & tracks_work) != 0)
        state_->untrack();
    if (state_->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
        delete state_;
}

const ambient_context& context_executor::context() const noexcept
{
    return state_->context;
}

const asio::any_io_executor& context_executor::inner() const noexcept
{
    return state_->inner;
}

const asio::any_io_executor& context_executor::target() const noexcept
{
    return (flags_ & never_blocking) != 0 ? state_->never : state_->inner;
}

asio::execution_context& context_executor::query(asio::execution::context_t) const noexcept
{
    return *state_->execution;
}

asio::execution::blocking_t context_executor::query(asio::execution::blocking_t) const noexcept
{
    if ((flags_ & never_blocking) != 0)
        return asio::execution::blocking.never;
    return asio::execution::blocking.possibly;
}

namespace {

const ambient_context* find_context(const asio::any_io_executor& executor) noexcept
{
    if (const auto* own = executor.target<context_executor>())
        return &own->context();
    return nullptr;
}

} // namespace

ambient_context context_of(const asio::any_io_executor& executor)
{
    if (const auto* own = find_context(executor))
        return *own;
    if (const auto* strand = executor.target<asio::strand<asio::any_io_executor>>())
        return context_of(strand->get_inner_executor());
    if (const auto* strand = executor.target<asio::strand<context_executor>>())
        return strand->get_inner_executor().context();
    return {};
}

asio::any_io_executor with_context(const asio::any_io_executor& executor, ambient_context context)
{
    if (const auto* own = executor.target<context_executor>()) {
        if (!context)
            return own->inner();
        return context_executor(own->inner(), std::move(context));
    }
    if (!context && !context_of(executor))
        return executor;
    // A strand around a context executor stays inside: the outer context is found first and hides its.
    return context_executor(executor, std::move(context));
}

asio::any_io_executor without_context(const asio::any_io_executor& executor)
{
    return with_context(executor, {});
}

const ambient_entry* detail::find_ambient(const asio::any_io_executor& executor, const void* key) noexcept
{
    const ambient_entry* entry = nullptr;
    if (const auto* own = find_context(executor))
        entry = own->get();
    else if (const auto* strand = executor.target<asio::strand<asio::any_io_executor>>())
        return find_ambient(strand->get_inner_executor(), key);
    else if (const auto* inner = executor.target<asio::strand<context_executor>>())
        entry = inner->get_inner_executor().context().get();
    while (entry != nullptr && entry->key != key)
        entry = entry->next.get();
    return entry;
}

} // namespace tradecore
