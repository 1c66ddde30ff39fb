// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/resilience/backoff.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

/// How a call outlasts an outage: whoever may repeat it does so until it is answered.
namespace tradecore::app::service {

namespace asio = boost::asio;

/// What: how long a call is tried again. A database repeats by itself what left nothing behind, a few times within
///   seconds; this is for who would rather wait, and whose calls have ids, so that twice is as good as once.
struct patience {
    std::chrono::milliseconds limit{60'000}; ///< from the first attempt to the last; 0: there is one
    resilience::backoff_policy pauses{
        .base = std::chrono::milliseconds(50), .cap = std::chrono::milliseconds(1'000), .jitter = 0.5};
};

/// What: what came of it.
struct repetitions {
    std::uint64_t calls = 0;            ///< that were not answered the first time
    std::uint64_t attempts = 0;         ///< that were made again
    std::chrono::nanoseconds longest{}; ///< of all calls, those answered the first time included

    void add(const repetitions& other);
};

/// What: a call was not answered for as long as it was tried; `what()` says how long that was, and the last error.
class out_of_patience : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What: whether the same call may be answered later: the database was away, full, unwell or not heard of, or the call
///   collided with another. Not when the caller cancelled, nor when the database understood and refused.
[[nodiscard]] bool may_be_answered_later(const std::exception_ptr& error) noexcept;

/// What: repeats calls, and counts.
/// Thread safety: none; calls may overlap.
class repeater {
    struct state {
        std::string whose;
        patience how;
        repetitions made;
        std::size_t waiting = 0; ///< calls that have failed and were not answered since
        std::minstd_rand random;
    };

public:
    /// Params: `whose` are the calls, for messages: "commands of the broker".
    explicit repeater(std::string whose, patience how = {});

    [[nodiscard]] const repetitions& made() const noexcept { return state_->made; }

    /// What: one call and its attempts.
    class call {
    public:
        explicit call(repeater& of);
        ~call();
        call(const call&) = delete;
        call& operator=(const call&) = delete;
        call(call&&) = delete;
        call& operator=(call&&) = delete;

        /// Returns: the pause before the next attempt.
        /// Errors: `error` itself when repeating cannot help; out_of_patience.
        [[nodiscard]] std::chrono::nanoseconds failed(const std::exception_ptr& error);
        void answered();

    private:
        std::shared_ptr<state> of_; // a frame may be destroyed after its repeater
        std::chrono::steady_clock::time_point began_;
        unsigned failures_ = 0;
    };

private:
    std::shared_ptr<state> state_;
};

namespace detail {

[[nodiscard]] asio::awaitable<void> rest(std::chrono::nanoseconds how_long);

} // namespace detail

/// What: calls `attempt`, which returns an awaitable, until it is answered.
/// Errors: out_of_patience; what `attempt` throws and repeating cannot help. Lifetimes: `by` outlives it.
template <class Attempt>
asio::awaitable<typename std::invoke_result_t<Attempt&>::value_type> until_answered(repeater& by, Attempt attempt)
{
    using result = typename std::invoke_result_t<Attempt&>::value_type;
    repeater::call call(by);
    for (;;) {
        std::exception_ptr error;
        try {
            if constexpr (std::is_void_v<result>) {
                co_await attempt();
                call.answered();
                co_return;
            }
            else {
                auto answer = co_await attempt();
                call.answered();
                co_return answer;
            }
        }
        catch (...) {
            error = std::current_exception();
        }
        co_await detail::rest(call.failed(error));
    }
}

} // namespace tradecore::app::service
