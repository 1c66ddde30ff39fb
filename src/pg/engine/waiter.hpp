// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include <cstddef>
#include <exception>
#include <new>
#include <type_traits>
#include <utility>

namespace tradecore::pg::engine {

/// A place for one suspended coroutine: the handler of an operation that completes with `void(std::exception_ptr)`.
///
/// The handler is kept in place, whatever its type is: what `co_await` makes of an operation has no name.
///
/// Thread safety: none. Lifetimes: owns the suspended frames until they are resumed or abandoned.
class waiter {
public:
    waiter() = default;
    waiter(waiter&& other) noexcept { take_from(other); }
    waiter& operator=(waiter&& other) noexcept
    {
        if (this != &other) {
            abandon();
            take_from(other);
        }
        return *this;
    }
    waiter(const waiter&) = delete;
    waiter& operator=(const waiter&) = delete;
    ~waiter() { abandon(); }

    [[nodiscard]] bool waits() const noexcept { return as_ != nullptr; }

    template <class Handler>
    void suspend(Handler handler)
    {
        static_assert(sizeof(Handler) <= sizeof(room_) && std::is_nothrow_move_constructible_v<Handler>);
        abandon();
        ::new (static_cast<void*>(room_)) Handler(std::move(handler));
        as_ = &kind_of<Handler>;
    }

    /// Resumes the coroutine from inside a handler that runs on `here`: at once when it belongs there.
    void resume_now(const boost::asio::any_io_executor& here)
    {
        if (const auto* const as = std::exchange(as_, nullptr))
            as->resume_now(room_, here);
    }

    /// Resumes the coroutine in a later turn of its event loop; it throws `why` unless that is null.
    void resume_later(std::exception_ptr why)
    {
        if (const auto* const as = std::exchange(as_, nullptr))
            as->resume_later(room_, std::move(why));
    }

    /// Destroys the suspended frames without resuming them.
    void abandon() noexcept
    {
        if (const auto* const as = std::exchange(as_, nullptr))
            as->destroy(room_);
    }

private:
    struct kind {
        void (*resume_now)(void* from, const boost::asio::any_io_executor& here);
        void (*resume_later)(void* from, std::exception_ptr why);
        void (*move)(void* from, void* to) noexcept;
        void (*destroy)(void* from) noexcept;
    };

    // Each leaves an empty room: resuming may destroy the waiter that the handler was in.
    template <class Handler>
    struct of {
        static Handler take(void* from) noexcept
        {
            auto* const stored = static_cast<Handler*>(from);
            Handler taken(std::move(*stored));
            stored->~Handler();
            return taken;
        }
        static void resume_now(void* from, const boost::asio::any_io_executor& here)
        {
            auto handler = take(from);
            // `dispatch` would find the same by asking a type-erased executor several questions: 250 instructions.
            if (auto executor = boost::asio::get_associated_executor(handler); executor == here)
                std::move(handler)(std::exception_ptr());
            else
                boost::asio::dispatch(
                    executor, [resumed = std::move(handler)]() mutable { std::move(resumed)(std::exception_ptr()); });
        }
        static void resume_later(void* from, std::exception_ptr why)
        {
            auto handler = take(from);
            auto executor = boost::asio::get_associated_executor(handler);
            boost::asio::post(executor, [resumed = std::move(handler), why = std::move(why)]() mutable {
                std::move(resumed)(std::move(why));
            });
        }
        static void move(void* from, void* to) noexcept { ::new (to) Handler(take(from)); }
        static void destroy(void* from) noexcept { (void)take(from); }
    };

    template <class Handler>
    static constexpr kind kind_of = {
        &of<Handler>::resume_now, &of<Handler>::resume_later, &of<Handler>::move, &of<Handler>::destroy};

    void take_from(waiter& other) noexcept
    {
        as_ = std::exchange(other.as_, nullptr);
        if (as_ != nullptr)
            as_->move(other.room_, room_);
    }

    alignas(std::max_align_t) std::byte room_[4 * sizeof(void*)];
    const kind* as_ = nullptr;
};

} // namespace tradecore::pg::engine
