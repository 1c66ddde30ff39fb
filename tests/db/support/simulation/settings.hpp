// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/support/simulation/choice_sequence.hpp"

#include <tradecore/db/pool_options.hpp>
#include <tradecore/resilience/circuit_breaker.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tradecore::test {

using namespace std::chrono_literals;

/// How one is played: the options of the database, and how late its timers are noticed.
struct simulation_settings {
    pool_options pool{};
    resilience::breaker_options breaker{};
    bool has_breaker = true;
    std::uint32_t budget_minimum = 3;
    /// Timers are noticed at once: then limits hold to the moment.
    bool is_prompt = true;

    static simulation_settings random(choice_sequence& chance)
    {
        simulation_settings all;
        auto& pool = all.pool;
        pool.minimum = chance.below(3);
        pool.maximum = std::max<std::size_t>(1, pool.minimum + chance.below(3));
        pool.maximum_connecting = 1 + chance.below(3);
        pool.acquire_timeout = std::chrono::milliseconds(std::array{2'000, 300, 5'000}.at(chance.below(3)));
        pool.idle_check_after = std::chrono::milliseconds(1'000 * chance.below(2));
        pool.idle_timeout = std::chrono::milliseconds(10'000 * chance.below(2));
        pool.max_lifetime = std::chrono::milliseconds(20'000 * chance.below(2));
        pool.keepalive_time = std::chrono::milliseconds(3'000 * chance.below(2));
        pool.cleanup_timeout = 1s;
        auto& breaker = all.breaker;
        breaker.failure_threshold = chance.one_in(2) ? 2 : 5;
        breaker.burst = std::chrono::milliseconds(100 * chance.below(2));
        breaker.probe_timeout = chance.one_in(2) ? 500ms : 5'000ms;
        breaker.background_probe_limit = chance.one_in(2) ? 2'000ms : 5'000ms;
        breaker.caller_probe = breaker.probe_timeout + std::chrono::seconds(chance.below(3));
        all.has_breaker = !chance.one_in(6);
        all.budget_minimum = static_cast<std::uint32_t>(3 - chance.below(4));
        all.is_prompt = !chance.one_in(2);
        return all;
    }
};

} // namespace tradecore::test
