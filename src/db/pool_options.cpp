// SPDX-License-Identifier: Apache-2.0
#include <tradecore/db/pool_options.hpp>

#include <chrono>
#include <initializer_list>
#include <stdexcept>
#include <utility>

namespace tradecore {

void pool_options::validate() const
{
    const auto demand = [](bool holds, const char* problem) {
        if (!holds)
            throw std::invalid_argument(problem);
    };
    // What is waited for longer is not waited for; and the clock can hold no more than 292 years.
    constexpr std::chrono::milliseconds longest = std::chrono::hours(24 * 365 * 100);
    for (const auto& [time, member] : std::initializer_list<std::pair<std::chrono::milliseconds, const char*>>{
             {acquire_timeout, "pool_options.acquire_timeout must not be above 100 years"},
             {idle_check_after, "pool_options.idle_check_after must not be above 100 years"},
             {validation_timeout, "pool_options.validation_timeout must not be above 100 years"},
             {keepalive_time, "pool_options.keepalive_time must not be above 100 years"},
             {idle_timeout, "pool_options.idle_timeout must not be above 100 years"},
             {max_lifetime, "pool_options.max_lifetime must not be above 100 years"},
             {cleanup_timeout, "pool_options.cleanup_timeout must not be above 100 years"},
             {connect_backoff_limit, "pool_options.connect_backoff_limit must not be above 100 years"},
             {slow_acquire, "pool_options.slow_acquire must not be above 100 years"},
             {leak_detection, "pool_options.leak_detection must not be above 100 years"},
             {hooks.on_connect_timeout, "pool_hooks.on_connect_timeout must not be above 100 years"}})
        demand(time <= longest, member);
    demand(maximum >= 1, "pool_options.maximum must be at least 1");
    demand(minimum <= maximum, "pool_options.minimum must not be above maximum");
    demand(maximum_connecting >= 1, "pool_options.maximum_connecting must be at least 1");
    demand(acquire_timeout.count() > 0, "pool_options.acquire_timeout must be positive");
    demand(idle_check_after.count() >= 0, "pool_options.idle_check_after must not be negative");
    demand(validation_timeout.count() > 0, "pool_options.validation_timeout must be positive");
    demand(keepalive_time.count() >= 0, "pool_options.keepalive_time must not be negative");
    demand(idle_timeout.count() >= 0, "pool_options.idle_timeout must not be negative");
    demand(max_lifetime.count() >= 0, "pool_options.max_lifetime must not be negative");
    demand(cleanup_timeout.count() > 0, "pool_options.cleanup_timeout must be positive");
    demand(connect_backoff.count() > 0, "pool_options.connect_backoff must be positive");
    demand(
        connect_backoff_limit >= connect_backoff,
        "pool_options.connect_backoff_limit must not be below connect_backoff");
    demand(slow_acquire.count() >= 0, "pool_options.slow_acquire must not be negative");
    demand(leak_detection.count() >= 0, "pool_options.leak_detection must not be negative");
    demand(
        exhaustion_threshold > 0 && exhaustion_threshold <= 1,
        "pool_options.exhaustion_threshold must be above 0 and at most 1");
    sharing.validate();
    demand(hooks.on_connect_timeout.count() > 0, "pool_hooks.on_connect_timeout must be positive");
}

} // namespace tradecore
