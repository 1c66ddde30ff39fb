// SPDX-License-Identifier: Apache-2.0
#include "db/serial_executor.hpp"
#include "db/several_threads.hpp"
#include "db/wake_up.hpp"

#include <tradecore/db/ambient.hpp>
#include <tradecore/db/coroutines.hpp>
#include <tradecore/pg/error.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include <atomic>
#include <deque>
#include <exception>

namespace tradecore::detail {
namespace asio = boost::asio;
namespace {

/// Children that run at once and the parent that waits for all of them.
class group : public std::enable_shared_from_this<group> {
public:
    void spawn(const asio::any_io_executor& executor, asio::awaitable<void> child)
    {
        ++running_;
        asio::cancellation_signal& signal = signals_.emplace_back();
        asio::co_spawn(
            executor, std::move(child), asio::bind_cancellation_slot(signal.slot(), ended(shared_from_this())));
    }

    /// No more children; suspends until every one has ended.
    asio::awaitable<void> join()
    {
        one_less();
        return wake_up::wait(done_, [weak = weak_from_this()](asio::cancellation_type type) {
            if (const auto self = weak.lock())
                self->cancel(type);
        });
    }

    void cancel(asio::cancellation_type type)
    {
        const auto keep = shared_from_this();
        for (auto& signal : signals_)
            signal.emit(type);
    }

    [[nodiscard]] bool is_running() const noexcept { return running_ != 0; }
    /// The error that came first.
    [[nodiscard]] const std::exception_ptr& error() const noexcept { return error_; }

private:
    /// Counts a child as ended, also when it is destroyed before its end: the parent must not be kept alive
    /// by waiting for it.
    class ended {
    public:
        explicit ended(std::shared_ptr<group> of) : of_(std::move(of)) {}
        ended(ended&&) noexcept = default;
        ended& operator=(ended&&) noexcept = default;
        ended(const ended&) = delete;
        ended& operator=(const ended&) = delete;
        ~ended()
        {
            if (of_)
                of_->one_less();
        }
        void operator()(const std::exception_ptr& error)
        {
            const auto of = std::exchange(of_, nullptr);
            if (error && !of->error_) {
                of->error_ = error;
                of->cancel(asio::cancellation_type::terminal);
            }
            of->one_less();
        }

    private:
        std::shared_ptr<group> of_;
    };

    void one_less() noexcept
    {
        if (--running_ == 0)
            done_->wake();
    }

    // One more than there are children until join(): they may end while others are being started.
    std::size_t running_ = 1;
    std::exception_ptr error_;
    std::deque<asio::cancellation_signal> signals_;
    std::shared_ptr<wake_up> done_ = std::make_shared<wake_up>();
};

/// Work on another executor and the coroutine that waits for it.
///
/// Not `co_await co_spawn(…)`: what that leaves in the caller's cancellation slot is gone when the caller goes on,
/// which it may do while a cancellation is still on its way to the other executor.
class crossing : public std::enable_shared_from_this<crossing> {
public:
    void begin(const asio::any_io_executor& where, asio::awaitable<void> work)
    {
        asio::co_spawn(where, std::move(work), asio::bind_cancellation_slot(cancel_.slot(), ended(shared_from_this())));
    }

    asio::awaitable<void> end(const asio::any_io_executor& where)
    {
        return wake_up::wait(done_, [weak = weak_from_this(), where](asio::cancellation_type type) {
            if (auto self = weak.lock())
                asio::post(where, [self = std::move(self), type] { self->cancel_.emit(type); });
        });
    }

    void rethrow() const
    {
        if (error_)
            std::rethrow_exception(error_);
        if (!has_ended_)
            throw boost::system::system_error(asio::error::operation_aborted);
    }

private:
    /// Wakes the caller, also when the work is destroyed before its end.
    class ended {
    public:
        explicit ended(std::shared_ptr<crossing> of) noexcept : of_(std::move(of)) {}
        ended(ended&&) noexcept = default;
        ended& operator=(ended&&) noexcept = default;
        ended(const ended&) = delete;
        ended& operator=(const ended&) = delete;
        ~ended()
        {
            if (of_)
                of_->done_->wake();
        }
        void operator()(std::exception_ptr error)
        {
            // Nothing is touched on this side once the caller may go on.
            const auto done = of_->done_;
            of_->error_ = std::move(error);
            of_->has_ended_ = true;
            of_.reset();
            done->wake();
        }

    private:
        std::shared_ptr<crossing> of_;
    };

    asio::cancellation_signal cancel_;
    std::exception_ptr error_;
    bool has_ended_ = false;
    std::shared_ptr<wake_up> done_ = std::make_shared<wake_up>();
};

std::atomic<unsigned> expecting{0};

/// @returns whether children on `executor` must be kept from running while they are cancelled.
bool needs_strand(const asio::any_io_executor& executor) noexcept
{
    return expecting.load(std::memory_order_relaxed) != 0 && !is_serial(executor);
}

} // namespace

several_threads::several_threads() noexcept
{
    ++expecting;
}

several_threads::~several_threads()
{
    --expecting;
}

asio::awaitable<void> run_elsewhere(asio::any_io_executor where, asio::awaitable<void> work)
{
    where = with_context(where, context_of(co_await asio::this_coro::executor));
    const auto both = std::make_shared<crossing>();
    both->begin(where, std::move(work));
    co_await both->end(where);
    both->rethrow();
}

asio::awaitable<void> run_all(std::vector<asio::awaitable<void>> children)
{
    if (children.empty())
        co_return;
    const auto executor = co_await asio::this_coro::executor;
    if (needs_strand(executor)) {
        auto all = arrive(run_all(std::move(children)), std::make_shared<result_slot<void>>());
        co_await run_elsewhere(serial_on(executor), std::move(all));
        co_return;
    }
    const auto all = std::make_shared<group>();
    for (auto& child : children) {
        if (all->error())
            break; // as if cancelled before it began
        all->spawn(executor, std::move(child));
    }
    children.clear();
    co_await all->join();
    if (all->error())
        std::rethrow_exception(all->error());
}

asio::awaitable<void> run_with_limit(std::chrono::steady_clock::duration limit, asio::awaitable<void> work)
{
    const auto executor = co_await asio::this_coro::executor;
    if (needs_strand(executor)) {
        auto all = arrive(run_with_limit(limit, std::move(work)), std::make_shared<result_slot<void>>());
        co_await run_elsewhere(serial_on(executor), std::move(all));
        co_return;
    }
    const auto one = std::make_shared<group>();
    const auto passed = std::make_shared<bool>(false);
    asio::steady_timer timer(executor, limit);
    one->spawn(executor, std::move(work));
    timer.async_wait([weak = std::weak_ptr(one), passed](boost::system::error_code failed) {
        const auto running = weak.lock();
        if (failed || !running || !running->is_running())
            return;
        *passed = true;
        running->cancel(asio::cancellation_type::terminal);
    });
    co_await one->join();
    timer.cancel();
    if (!one->error())
        co_return;
    if (!*passed)
        std::rethrow_exception(one->error());
    try {
        std::rethrow_exception(one->error());
    }
    catch (...) {
        const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
        std::throw_with_nested(pg::timeout_error(fmt::format("not finished within {} ms", milliseconds)));
    }
}

} // namespace tradecore::detail

namespace tradecore {

boost::asio::awaitable<void> when_all(std::vector<boost::asio::awaitable<void>> children)
{
    return detail::run_all(std::move(children));
}

} // namespace tradecore
