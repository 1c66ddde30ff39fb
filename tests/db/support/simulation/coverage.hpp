// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace tradecore::test {

/// What the simulations have come through: a test of nothing would pass, too.
struct coverage {
    std::uint64_t simulations = 0;
    std::uint64_t steps = 0;
    std::uint64_t calls = 0;
    std::uint64_t successes = 0;
    std::uint64_t openings = 0;
    std::uint64_t refusals = 0;
    std::uint64_t after_outages = 0;
    std::uint64_t after_conflicts = 0;
    std::uint64_t stopped_by_budget = 0;
    std::uint64_t stopped_by_deadline = 0;
    std::uint64_t stopped_by_attempts = 0;
    std::uint64_t not_repeatable = 0;
    std::uint64_t waited_in_vain = 0;
    std::uint64_t cannot_connect = 0;
    std::uint64_t useless_grants = 0;
    std::uint64_t cancelled_with_grant = 0;
    std::uint64_t checks_in_vain = 0;
    std::uint64_t in_doubt = 0;
};

} // namespace tradecore::test
