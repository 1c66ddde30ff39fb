// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chaos/disturber.hpp"
#include "checks/check.hpp"
#include "domain/money.hpp"
#include "service/repeat.hpp"
#include "simulate/lost_commits.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tradecore::app::simulate {

struct order_counts {
    std::int64_t placed = 0;
    std::int64_t filled = 0;
    std::int64_t cancelled = 0;
    std::int64_t rejected = 0;
    std::int64_t open = 0;
};

struct trader_result {
    std::string email;
    domain::money value;  ///< cash and holdings at their last price
    domain::money profit; ///< against what was deposited
};

struct sync_figures {
    std::chrono::nanoseconds p50{};
    std::chrono::nanoseconds p99{};
    std::chrono::nanoseconds max{};
    std::uint64_t pending = 0;
    double rate = 0; ///< appends that waited / events

    /// What: the percentiles of some waits (nearest rank), zero without any.
    static sync_figures of(std::vector<std::chrono::nanoseconds> waits, std::uint64_t pending, double rate);
};

/// What: what went wrong on purpose, and what it took to get over that.
struct chaos_report {
    chaos::deeds done;
    service::repetitions outlasted;
    std::uint64_t repeated_by_databases = 0;
    lost_commits::counts lost_commits;
};

/// What: everything a simulation tells at its end.
struct report {
    std::string symbol;
    std::size_t prices = 0;
    std::uint32_t traders = 0;
    std::vector<std::uint64_t> commands_by_worker; ///< one for each process that had traders
    std::uint64_t commands = 0;                    ///< answered by this run of the program
    std::uint64_t repeated =
        0; ///< of those, carried out before: by an earlier run, or by an attempt that was not answered
    std::int64_t events = 0; ///< in both stores
    std::uint64_t redelivered = 0;
    order_counts orders;
    sync_figures sync;
    std::chrono::nanoseconds took{}; ///< from the first command to the last projection
    std::optional<chaos_report> chaos;
    std::vector<trader_result> best;
    std::vector<trader_result> worst;
    std::string digest;
    std::vector<checks::check_result> checks;
    std::chrono::nanoseconds checks_took{};

    [[nodiscard]] bool ok() const;
    [[nodiscard]] double commands_per_second() const;
};

[[nodiscard]] boost::json::object to_json(const report& of);
[[nodiscard]] std::string to_text(const report& of);

} // namespace tradecore::app::simulate
