// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "service/repeat.hpp"
#include "simulate/lost_commits.hpp"

#include <tradecore/projection/projections.hpp>

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <vector>

namespace tradecore::app::simulate {

/// What: what the traders of one process did and how long they waited.
struct figures {
    std::uint64_t commands = 0; ///< answered by this process
    std::uint64_t repeated =
        0; ///< of those, carried out before: by an earlier run, or by an attempt that was not answered
    std::vector<std::chrono::nanoseconds> sync_waits{}; ///< of each caller that waited for SYNC projections
    std::uint64_t sync_pending = 0;                     ///< waits that ended before the projections did
    projection::sync_rate sync_rate{};
    service::repetitions outlasted{};        ///< calls that outlasted an outage
    std::uint64_t repeated_by_databases = 0; ///< attempts that the databases made again by themselves
    lost_commits::counts lost_commits{};     ///< COMMITs whose answer was lost

    /// What: adds those of another process.
    void add(const figures& other);
};

/// What: the form in which one process tells another.
[[nodiscard]] boost::json::object to_json(const figures& of);
/// Errors: boost::system::system_error, std::out_of_range when it is something else.
[[nodiscard]] figures figures_from(const boost::json::object& told);

} // namespace tradecore::app::simulate
