// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/resilience/time.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tradecore::resilience {

/// How many repetitions all callers of one database may make together.
struct retry_budget_options {
    /// Repetitions per call, over the window.
    double share = 0.2;
    /// Repetitions that are granted in a window however few calls there are.
    std::uint32_t minimum = 3;
    /// How far back calls and repetitions are counted; it moves on by tenths.
    std::chrono::milliseconds window{10'000};

    /// @throws std::invalid_argument naming the member that makes no sense.
    void validate() const;
};

/// Keeps repetitions from multiplying an outage: at any moment the last window has no more repetitions than a
/// share of its calls, or than a small minimum. With the values as they stand a database that fails every call
/// gets 1.2 attempts per call, at most 3 more in ten seconds. (Calls that lost a connection together draw once; each of
/// them does so once at most.)
///
/// A repetition is counted when it is granted, made or not. A time before the latest one counts as that.
///
/// Thread safety: none. Nothing allocates.
class retry_budget {
public:
    /// @throws std::invalid_argument when the options are not valid.
    explicit retry_budget(const retry_budget_options& options = {});

    /// A call begins; its repetitions are no calls.
    void count_call(time_point now) noexcept
    {
        if (now >= tenth_ends_) [[unlikely]]
            move_on(now);
        ++tenths_[current_].calls;
        ++sum_.calls;
    }
    /// @returns whether a repetition may be made; it is counted when it may.
    [[nodiscard]] bool try_take(time_point now) noexcept;

    struct figures {
        std::uint64_t calls = 0;
        std::uint64_t repetitions = 0;
    };
    /// @returns what the last window holds.
    [[nodiscard]] figures in_window(time_point now) noexcept;

private:
    void move_on(time_point now) noexcept;

    static constexpr std::size_t tenths = 10;

    double share_;
    std::uint64_t minimum_;
    duration tenth_;
    time_point tenth_ends_ = time_point::min();
    std::size_t current_ = 0;
    figures sum_{};
    std::array<figures, tenths> tenths_{};
};

} // namespace tradecore::resilience
