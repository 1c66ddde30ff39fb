// SPDX-License-Identifier: Apache-2.0
#include "resilience/demand.hpp"

#include <tradecore/resilience/breaker_options.hpp>

namespace tradecore::resilience {

namespace {

constexpr std::chrono::milliseconds longest_probe{5'000};

} // namespace

void breaker_options::validate() const
{
    demand(failure_threshold >= 1, "breaker_options.failure_threshold must be at least 1");
    demand(burst.count() >= 0, "breaker_options.burst must not be negative");
    demand(probe_timeout.count() > 0, "breaker_options.probe_timeout must be positive");
    demand(probe_timeout <= longest_probe, "breaker_options.probe_timeout must be at most 5 s");
    demand(background_probe.count() > 0, "breaker_options.background_probe must be positive");
    demand(
        background_probe_limit >= background_probe,
        "breaker_options.background_probe_limit must not be below background_probe");
    demand(caller_probe >= probe_timeout, "breaker_options.caller_probe must not be below probe_timeout");
}

} // namespace tradecore::resilience
