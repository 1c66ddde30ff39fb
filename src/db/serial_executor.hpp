// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace tradecore::detail {

/// Runs functions on another executor, one after the other in the order they were given, whichever threads that has.
///
/// A strand, with three things that Asio's has not: it may outlive the event loop; `any_io_executor` keeps it without
/// allocating; and a thread that does not run the loop may do something between two functions: read what they write, or
/// let go of what they use.
///
/// Thread safety: safe. Lifetimes: functions that the loop never came to are destroyed with it.
class serial_executor {
public:
    // No constructor: what converts to an executor and is made from one is neither for Asio's checks.
    [[nodiscard]] static serial_executor on(const boost::asio::any_io_executor& inner);

    /// @returns whether the calling thread is in the middle of a function of this executor.
    [[nodiscard]] bool runs_here() const noexcept;

    /// Calls `step` on this thread while no function runs; waits for the end of those that do.
    template <class Step>
    auto alone(Step&& step) const
    {
        if (runs_here())
            return step();
        const turn mine(state_);
        return step();
    }

    /// The same without waiting: when functions run, `step` is called at their end by the thread that runs them.
    /// What it throws ends the program.
    template <class Step>
    void leave(Step&& step) const noexcept
    {
        if (runs_here())
            step();
        else
            leave_task(make(std::forward<Step>(step)));
    }

    [[nodiscard]] bool is_same(const serial_executor& other) const noexcept { return state_ == other.state_; }
    [[nodiscard]] const boost::asio::any_io_executor& inner() const noexcept;

    // --- what Asio asks of an executor (Boost.Asio documentation, "Executor requirements") ---------
    bool operator==(const serial_executor& other) const noexcept
    {
        return state_ == other.state_ && may_block_ == other.may_block_;
    }
    [[nodiscard]] boost::asio::execution_context& query(boost::asio::execution::context_t tag) const noexcept;
    [[nodiscard]] boost::asio::execution::blocking_t query(boost::asio::execution::blocking_t /*tag*/) const noexcept
    {
        if (may_block_)
            return boost::asio::execution::blocking.possibly;
        return boost::asio::execution::blocking.never;
    }
    [[nodiscard]] serial_executor require(boost::asio::execution::blocking_t::never_t /*tag*/) const
    {
        return {state_, false};
    }
    [[nodiscard]] serial_executor require(boost::asio::execution::blocking_t::possibly_t /*tag*/) const
    {
        return {state_, true};
    }
    [[nodiscard]] serial_executor require(boost::asio::execution::outstanding_work_t::tracked_t tag) const;
    [[nodiscard]] serial_executor require(boost::asio::execution::outstanding_work_t::untracked_t tag) const;
    template <class Function>
    void execute(Function&& function) const
    {
        if (may_block_ && runs_here())
            std::decay_t<Function>(std::forward<Function>(function))();
        else
            push(make(std::forward<Function>(function)));
    }

private:
    struct task {
        task() = default;
        task(const task&) = delete;
        task& operator=(const task&) = delete;
        task(task&&) = delete;
        task& operator=(task&&) = delete;
        virtual ~task() = default;
        virtual void run() = 0;

        std::unique_ptr<task> next;
    };
    template <class Function>
    struct task_of final : task {
        explicit task_of(Function&& given) : function(std::move(given)) {}
        explicit task_of(const Function& given) : function(given) {}
        void run() override { std::move(function)(); }

        Function function;
    };
    class task_list;
    class runner;
    struct shared_state;

    /// What a thread is in the middle of; executors inside each other.
    struct frame {
        const shared_state* of;
        const frame* around;
    };
    static const frame*& innermost() noexcept;

    /// This thread's time with the executor.
    class turn {
    public:
        explicit turn(std::shared_ptr<shared_state> of);
        turn(const turn&) = delete;
        turn& operator=(const turn&) = delete;
        turn(turn&&) = delete;
        turn& operator=(turn&&) = delete;
        ~turn();

    private:
        std::shared_ptr<shared_state> of_;
        frame own_;
    };

    serial_executor(std::shared_ptr<shared_state> state, bool may_block) noexcept
        : state_(std::move(state)), may_block_(may_block)
    {}
    template <class Function>
    static std::unique_ptr<task> make(Function&& function)
    {
        return std::make_unique<task_of<std::decay_t<Function>>>(std::forward<Function>(function));
    }
    void push(std::unique_ptr<task> added) const;
    void leave_task(std::unique_ptr<task> added) const noexcept;

    // Of a tracked executor it keeps the loop's work, too, and points to the same state.
    std::shared_ptr<shared_state> state_;
    bool may_block_ = true;
};

/// @returns `executor` without its ambient context.
[[nodiscard]] const boost::asio::any_io_executor& base_of(const boost::asio::any_io_executor& executor) noexcept;

/// @returns whether what runs on `executor` never runs on two threads at once, as far as can be seen: a strand.
[[nodiscard]] bool is_serial(const boost::asio::any_io_executor& executor) noexcept;

/// @returns `executor` when it is serial, else a new serial one on it, with its ambient context.
[[nodiscard]] boost::asio::any_io_executor serial_on(const boost::asio::any_io_executor& executor);

} // namespace tradecore::detail
