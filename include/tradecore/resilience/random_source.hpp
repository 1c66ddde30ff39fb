// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

namespace tradecore::resilience {

/// Chance, for jitter: each call returns a number in [0, 1). Must not throw.
using random_source = std::function<double()>;

/// Numbers that look random and follow from a seed (SplitMix64): enough to keep clients from coming at the
/// same moment, worthless for secrets. Processes that start together need different seeds.
class seeded_random {
public:
    explicit seeded_random(std::uint64_t seed) noexcept : state_(seed) {}

    double operator()() noexcept
    {
        state_ += 0x9e3779b97f4a7c15U;
        std::uint64_t mixed = state_;
        mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
        mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
        mixed ^= mixed >> 31U;
        constexpr double unit = 1.0 / 9007199254740992.0; // 2^-53: as many bits as a double keeps
        return static_cast<double>(mixed >> 11U) * unit;
    }

private:
    std::uint64_t state_;
};

} // namespace tradecore::resilience
