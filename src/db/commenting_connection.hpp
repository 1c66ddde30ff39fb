// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/physical_connection.hpp>

namespace tradecore::detail {

/// @returns a connector whose connections send statements with the trace of their callers as a comment at the end
///          (`trace_propagation::sql_comment`). Nobody above them sees it: errors, logs and statistics have the text
///          that the caller wrote.
[[nodiscard]] connector commenting(connector inner);

} // namespace tradecore::detail
