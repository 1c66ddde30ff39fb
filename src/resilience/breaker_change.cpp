// SPDX-License-Identifier: Apache-2.0
#include <tradecore/resilience/breaker_change.hpp>

namespace tradecore::resilience {

std::string_view to_string(breaker_state state) noexcept
{
    switch (state) {
    case breaker_state::closed:
        return "closed";
    case breaker_state::open:
        return "open";
    case breaker_state::half_open:
        return "half-open";
    }
    return "unknown";
}

std::string_view to_string(breaker_cause cause) noexcept
{
    switch (cause) {
    case breaker_cause::too_many_failures:
        return "too many failures in a row";
    case breaker_cause::background_probe_begins:
        return "a background probe begins";
    case breaker_cause::caller_probe_begins:
        return "a caller's probe begins";
    case breaker_cause::probe_succeeded:
        return "the probe succeeded";
    case breaker_cause::probe_failed:
        return "the probe failed";
    case breaker_cause::probe_overdue:
        return "the probe did not end in time";
    case breaker_cause::probe_given_back:
        return "the probe was given back";
    }
    return "unknown";
}

} // namespace tradecore::resilience
