// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace tradecore::app::domain {

/// What: random numbers that depend on (seed, trader, step) alone, the same with every compiler and library; the
///   standard distributions are left out because their results are not specified.
/// Source: SplitMix64 (Steele, Lea, Flood 2014); the unbiased range is Lemire's multiply-and-reject (2019).
/// Thread safety: one generator, one thread.
class rng {
public:
    explicit constexpr rng(std::uint64_t seed, std::uint64_t trader = 0, std::uint64_t step = 0)
        : state_(mix(mix(mix(seed + golden) ^ (trader + golden)) ^ (step + golden)))
    {}

    /// What: 64 random bits.
    constexpr std::uint64_t next()
    {
        state_ += golden;
        return mix(state_);
    }

    /// What: a whole number in [low, high], each equally likely. Requires low <= high.
    constexpr std::int64_t between(std::int64_t low, std::int64_t high)
    {
        const auto span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
        if (span == 0)
            return static_cast<std::int64_t>(next());
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + below(span));
    }

    /// What: true in `percent` of 100 cases.
    constexpr bool chance(std::uint64_t percent) { return below(100) < percent; }

private:
    __extension__ typedef unsigned __int128 wide; // NOLINT(modernize-use-using)
    static constexpr std::uint64_t golden = 0x9e3779b97f4a7c15ULL;

    static constexpr std::uint64_t mix(std::uint64_t z)
    {
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }

    constexpr std::uint64_t below(std::uint64_t bound)
    {
        wide product = static_cast<wide>(next()) * bound;
        if (static_cast<std::uint64_t>(product) < bound) {
            const std::uint64_t floor = (0 - bound) % bound;
            while (static_cast<std::uint64_t>(product) < floor)
                product = static_cast<wide>(next()) * bound;
        }
        return static_cast<std::uint64_t>(product >> 64);
    }

    std::uint64_t state_;
};

} // namespace tradecore::app::domain
