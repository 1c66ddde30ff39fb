// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/deadlock_report.hpp"

#include <tradecore/db/pool.hpp>

#include <boost/asio/any_io_executor.hpp>

namespace tradecore::detail {

/// Asks the server who the sessions of a deadlock are that are not ours, and logs the report with the answer, or
/// without when there is none in time. Does not suspend: the rest happens on its own.
/// @param on an idle connection of the database.
/// @param length where their SQL is cut; bytes.
void log_with_foreign(
    const boost::asio::any_io_executor& executor, lease on, deadlock_report report, std::size_t length);

} // namespace tradecore::detail
