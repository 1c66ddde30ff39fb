// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tradecore::observe {

/// What: how often something took how long, in fixed steps from 0.1 ms to 10 s, as Prometheus wants histograms.
///
/// Thread safety: none. It does not allocate.
class latency_histogram {
public:
    using duration = std::chrono::nanoseconds;

    /// The upper bounds of the buckets, the bound itself included; one more bucket takes what is above.
    static constexpr std::array<duration, 16> bounds{
        std::chrono::microseconds{100},   std::chrono::microseconds{250},   std::chrono::microseconds{500},
        std::chrono::milliseconds{1},     std::chrono::microseconds{2'500}, std::chrono::milliseconds{5},
        std::chrono::milliseconds{10},    std::chrono::milliseconds{25},    std::chrono::milliseconds{50},
        std::chrono::milliseconds{100},   std::chrono::milliseconds{250},   std::chrono::milliseconds{500},
        std::chrono::milliseconds{1000},  std::chrono::milliseconds{2'500}, std::chrono::milliseconds{5'000},
        std::chrono::milliseconds{10'000}};

    void add(duration took) noexcept
    {
        std::size_t at = 0;
        while (at < bounds.size() && took > bounds[at])
            ++at;
        ++buckets_[at];
        ++count_;
        sum_ += took;
    }

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] duration sum() const noexcept { return sum_; }
    /// Returns: how many fell into each bucket alone, not into it and those below.
    [[nodiscard]] const std::array<std::uint64_t, bounds.size() + 1>& buckets() const noexcept { return buckets_; }

    /// What: the time that so many of all did not exceed, as far as buckets tell: the upper bound of the bucket, and
    /// the largest bound for what is above that. Parameters: a share from 0 to 1. Returns: 0 when nothing was counted.
    [[nodiscard]] duration quantile(double share) const noexcept
    {
        const auto wanted = share * static_cast<double>(count_);
        std::uint64_t seen = 0;
        for (std::size_t at = 0; at < bounds.size(); ++at) {
            seen += buckets_[at];
            if (seen > 0 && static_cast<double>(seen) >= wanted)
                return bounds[at];
        }
        return count_ == 0 ? duration::zero() : bounds.back();
    }

private:
    std::array<std::uint64_t, bounds.size() + 1> buckets_{};
    std::uint64_t count_ = 0;
    duration sum_{0};
};

} // namespace tradecore::observe
