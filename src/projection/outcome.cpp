// SPDX-License-Identifier: Apache-2.0
#include <tradecore/projection/outcome.hpp>

namespace tradecore::projection {

std::string_view to_string(pending_cause cause) noexcept
{
    switch (cause) {
    case pending_cause::none:
        return "none";
    case pending_cause::busy:
        return "busy";
    case pending_cause::parked_before:
        return "parked_before";
    case pending_cause::dead:
        return "dead";
    case pending_cause::time_limit:
        return "time_limit";
    case pending_cause::failed:
        return "failed";
    case pending_cause::unavailable:
        return "unavailable";
    }
    return "unknown";
}

} // namespace tradecore::projection
