// SPDX-License-Identifier: Apache-2.0
#include "db/support/simulation/retry_oracle.hpp"

#include "db/support/simulation/limits.hpp"

#include <algorithm>

namespace tradecore::test {

using detail::attempt_facts;
using detail::attempt_phase;

namespace {

double count_since(const std::deque<time_point>& times, time_point since)
{
    return static_cast<double>(times.end() - std::ranges::lower_bound(times, since));
}

} // namespace

bool may_be_repeated(const caller& who, const fault_row& how, const attempt_facts& facts)
{
    switch (how.repetition) {
    case again::never:
        return false;
    case again::if_asked:
        if (!who.kind.wants_locks)
            return false;
        break;
    case again::if_idempotent:
        if (!who.kind.idempotent)
            return false;
        break;
    case again::once:
        if (who.has_used_once)
            return false;
        break;
    case again::yes:
        break;
    }
    if (facts.phase != attempt_phase::executing)
        return true;
    if (who.kind.is_used_up)
        return false;
    if (who.kind.idempotent)
        return true;
    if (who.kind.writes_outside || who.kind.in_parts)
        return false;
    switch (how.left) {
    case kept::nothing:
        return true;
    case kept::if_alone:
        return who.kind.is_transaction || who.kind.reads;
    case kept::maybe:
        return false;
    }
    return false;
}

bool budget_oracle::is_overdrawn(time_point now) const
{
    return count_since(repetitions_, now - sure_window) > allowance(now - whole_window);
}

bool budget_oracle::may_refuse(time_point now) const
{
    return count_since(repetitions_, now - whole_window) + 1 > allowance(now - sure_window);
}

double budget_oracle::allowance(time_point since) const
{
    return std::max<double>(minimum_, 0.2 * count_since(calls_, since));
}

} // namespace tradecore::test
