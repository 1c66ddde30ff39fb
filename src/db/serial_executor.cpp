// SPDX-License-Identifier: Apache-2.0
#include "db/serial_executor.hpp"

#include <tradecore/db/ambient.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include <mutex>

namespace tradecore::detail {
namespace asio = boost::asio;

/// First in, first out.
class serial_executor::task_list {
public:
    task_list() = default;
    task_list(const task_list&) = delete;
    task_list& operator=(const task_list&) = delete;
    task_list(task_list&&) = delete;
    task_list& operator=(task_list&&) = delete;
    // One by one: a long chain would end in a deep recursion.
    ~task_list()
    {
        while (pop() != nullptr) {
        }
    }

    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    void push(std::unique_ptr<task> added) noexcept
    {
        auto* const last = added.get();
        (last_ == nullptr ? first_ : last_->next) = std::move(added);
        last_ = last;
    }
    std::unique_ptr<task> pop() noexcept
    {
        auto taken = std::move(first_);
        if (taken)
            first_ = std::move(taken->next);
        if (!first_)
            last_ = nullptr;
        return taken;
    }
    void swap(task_list& other) noexcept
    {
        first_.swap(other.first_);
        std::swap(last_, other.last_);
    }
    /// Puts those of `other` behind its own.
    void append(task_list& other) noexcept
    {
        if (other.empty())
            return;
        (last_ == nullptr ? first_ : last_->next) = std::move(other.first_);
        last_ = std::exchange(other.last_, nullptr);
    }

private:
    std::unique_ptr<task> first_;
    task* last_ = nullptr;
};

struct serial_executor::shared_state : std::enable_shared_from_this<shared_state> {
    explicit shared_state(const asio::any_io_executor& on)
        : inner(on), never(asio::require(on, asio::execution::blocking.never)),
          context(&asio::query(on, asio::execution::context))
    {}

    asio::any_io_executor inner;
    asio::any_io_executor never;
    asio::execution_context* context;

    std::mutex running; // held by whoever runs functions, or does something between them
    std::mutex mutex;   // of what follows
    task_list queue;
    bool is_scheduled = false; // somebody comes for the queue, or runs it
    task_list left;

    /// Does what was left while others ran. Not for who holds `running`.
    void settle() noexcept;
    void do_what_was_left() noexcept;
};

/// Comes for the queue. One that the loop destroys instead takes the queue with it.
class serial_executor::runner {
public:
    explicit runner(std::shared_ptr<shared_state> of) noexcept : of_(std::move(of)) {}
    runner(runner&&) noexcept = default;
    runner& operator=(runner&&) noexcept = default;
    runner(const runner&) = delete;
    runner& operator=(const runner&) = delete;
    ~runner()
    {
        if (!of_)
            return;
        task_list dropped;
        const std::lock_guard lock(of_->mutex);
        dropped.swap(of_->queue);
        of_->is_scheduled = false;
    }

    void operator()()
    {
        const auto of = std::move(of_);
        batch mine(of);
        const turn own(of);
        while (const auto next = mine.pop())
            next->run();
    }

private:
    /// What is in the queue by now. Comes again for what has been added since, or was not run for an exception.
    class batch {
    public:
        explicit batch(std::shared_ptr<shared_state> of) : of_(std::move(of))
        {
            const std::lock_guard lock(of_->mutex);
            tasks_.swap(of_->queue);
        }
        batch(const batch&) = delete;
        batch& operator=(const batch&) = delete;
        batch(batch&&) = delete;
        batch& operator=(batch&&) = delete;
        ~batch()
        {
            {
                const std::lock_guard lock(of_->mutex);
                tasks_.append(of_->queue);
                tasks_.swap(of_->queue);
                of_->is_scheduled = !of_->queue.empty();
                if (!of_->is_scheduled)
                    return;
            }
            of_->never.execute(runner(of_));
        }
        std::unique_ptr<task> pop() noexcept { return tasks_.pop(); }

    private:
        std::shared_ptr<shared_state> of_;
        task_list tasks_;
    };

    std::shared_ptr<shared_state> of_;
};

const serial_executor::frame*& serial_executor::innermost() noexcept
{
    static constinit thread_local const frame* here = nullptr;
    return here;
}

serial_executor::turn::turn(std::shared_ptr<shared_state> of) : of_(std::move(of)), own_{of_.get(), innermost()}
{
    of_->running.lock();
    innermost() = &own_;
}

serial_executor::turn::~turn()
{
    innermost() = own_.around;
    of_->running.unlock();
    of_->settle();
}

void serial_executor::shared_state::settle() noexcept
{
    for (;;) {
        {
            const std::lock_guard lock(mutex);
            if (left.empty())
                return;
        }
        if (!running.try_lock())
            return; // whoever has it comes here at its end
        const frame own{this, innermost()};
        innermost() = &own;
        do_what_was_left();
        innermost() = own.around;
        running.unlock();
    }
}

void serial_executor::shared_state::do_what_was_left() noexcept
{
    for (;;) {
        std::unique_ptr<task> next;
        {
            const std::lock_guard lock(mutex);
            next = left.pop();
        }
        if (!next)
            return;
        next->run();
    }
}

serial_executor serial_executor::on(const asio::any_io_executor& inner)
{
    return {std::make_shared<shared_state>(inner), true};
}

bool serial_executor::runs_here() const noexcept
{
    for (const auto* each = innermost(); each != nullptr; each = each->around) {
        if (each->of == state_.get())
            return true;
    }
    return false;
}

const asio::any_io_executor& serial_executor::inner() const noexcept
{
    return state_->inner;
}

asio::execution_context& serial_executor::query(asio::execution::context_t /*tag*/) const noexcept
{
    return *state_->context;
}

serial_executor serial_executor::require(asio::execution::outstanding_work_t::tracked_t /*tag*/) const
{
    struct working {
        std::shared_ptr<shared_state> state;
        asio::any_io_executor work;
    };
    auto kept = std::make_shared<working>(
        working{state_, asio::prefer(state_->inner, asio::execution::outstanding_work.tracked)});
    auto* const state = kept->state.get();
    return {std::shared_ptr<shared_state>(std::move(kept), state), may_block_};
}

serial_executor serial_executor::require(asio::execution::outstanding_work_t::untracked_t /*tag*/) const
{
    return {state_->shared_from_this(), may_block_};
}

void serial_executor::push(std::unique_ptr<task> added) const
{
    {
        const std::lock_guard lock(state_->mutex);
        state_->queue.push(std::move(added));
        if (std::exchange(state_->is_scheduled, true))
            return;
    }
    state_->never.execute(runner(state_)); // when that throws, the runner takes the queue with it
}

void serial_executor::leave_task(std::unique_ptr<task> added) const noexcept
{
    const auto state = state_; // the task may let go of this executor
    {
        const std::lock_guard lock(state->mutex);
        state->left.push(std::move(added));
    }
    state->settle();
}

const asio::any_io_executor& base_of(const asio::any_io_executor& executor) noexcept
{
    const auto* const own = executor.target<context_executor>();
    return own == nullptr ? executor : own->inner();
}

bool is_serial(const asio::any_io_executor& executor) noexcept
{
    const auto& base = base_of(executor);
    return base.target<serial_executor>() != nullptr || base.target<asio::strand<asio::any_io_executor>>() != nullptr ||
           base.target<asio::strand<asio::io_context::executor_type>>() != nullptr ||
           base.target<asio::strand<asio::thread_pool::executor_type>>() != nullptr ||
           base.target<asio::strand<context_executor>>() != nullptr;
}

asio::any_io_executor serial_on(const asio::any_io_executor& executor)
{
    if (is_serial(executor))
        return executor;
    return with_context(serial_executor::on(base_of(executor)), context_of(executor));
}

} // namespace tradecore::detail
