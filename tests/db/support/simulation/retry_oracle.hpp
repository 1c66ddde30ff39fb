// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/outcome.hpp"
#include "db/support/simulation/state.hpp"

#include <cstdint>
#include <deque>

namespace tradecore::test {

/// @returns whether an attempt that failed so may be made again: the promise, in the words of the table of faults.
[[nodiscard]] bool may_be_repeated(const caller& who, const fault_row& how, const detail::attempt_facts& facts);

/// What the budget of repetitions may grant, counted without its buckets: between what it surely sees of its window and
/// the whole of it.
class budget_oracle {
public:
    explicit budget_oracle(std::uint32_t minimum) : minimum_(minimum) {}

    void called(time_point when) { calls_.push_back(when); }
    void repeated(time_point when) { repetitions_.push_back(when); }

    /// @returns whether more was granted than there was.
    [[nodiscard]] bool is_overdrawn(time_point now) const;
    /// @returns whether one more would have been too many.
    [[nodiscard]] bool may_refuse(time_point now) const;

private:
    [[nodiscard]] double allowance(time_point since) const;

    std::uint32_t minimum_;
    std::deque<time_point> calls_;
    std::deque<time_point> repetitions_;
};

} // namespace tradecore::test
