// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/database_options.hpp>
#include <tradecore/events/event_store.hpp>

#include <boost/asio/awaitable.hpp>

#include <string>
#include <vector>

namespace tradecore {
class database;
}

/// What must be true of a finished run, found out by code that shares nothing with the projectors: SQL over the event
/// tables, exact to the last digit.
namespace tradecore::app::checks {

struct check_result {
    std::string name; ///< always the same for the same check
    bool ok = false;
    std::string detail; ///< figures when it is ok; else the first thing that is wrong, and how many there are
};

/// What: what the checks look at. The event tables and the cursors are in the schemas es and proj of each database.
/// Lifetimes: everything referred to outlives the checks. Nothing is written by others meanwhile, and all projections
///   have caught up.
struct check_context {
    database& main;
    database& vb;
    events::event_store& main_store;
    events::event_store& vb_store;
    /// How to connect to the two again: the rebuild check opens databases of its own with another search_path.
    database_options main_options;
    database_options vb_options;
    /// Name of the stores in the cursors: `projection::options::source` of the engines that made the read models.
    std::string main_source = "main";
    std::string vb_source = "main";
};

/// What: every check, in a fixed order. A check that throws has failed with the error as its detail.
/// Cancellation: the schemas that rebuilding works in may stay; the next run drops them.
boost::asio::awaitable<std::vector<check_result>> run_checks(check_context context);

} // namespace tradecore::app::checks
