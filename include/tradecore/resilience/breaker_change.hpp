// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/resilience/time.hpp>

#include <string_view>

namespace tradecore::resilience {

enum class breaker_state {
    /// Everybody is admitted.
    closed,
    /// Nobody is admitted until a probe is due.
    open,
    /// One probe is under way, nobody else is admitted.
    half_open
};

/// How what was admitted ended, as far as the health of the other side goes.
enum class outcome {
    /// The other side answered, be it with an error of the caller's making.
    success,
    failure,
    /// A failure that tends to come in bursts: a connection that existed was lost.
    connection_lost,
    /// Says nothing about the other side: cancelled, refused credentials, everything busy.
    neutral
};

/// Why a breaker changed its state.
enum class breaker_cause {
    too_many_failures,
    background_probe_begins,
    caller_probe_begins,
    probe_succeeded,
    probe_failed,
    /// The probe had no outcome when its time was over.
    probe_overdue,
    /// The probe ended without telling anything: cancelled, or its outcome was neutral.
    probe_given_back
};

struct breaker_change {
    breaker_state from;
    breaker_state to;
    breaker_cause cause;
    time_point when;
};

[[nodiscard]] std::string_view to_string(breaker_state state) noexcept;
[[nodiscard]] std::string_view to_string(breaker_cause cause) noexcept;

} // namespace tradecore::resilience
