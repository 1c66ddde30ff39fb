// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "readmodel/projectors.hpp"

#include <string>
#include <vector>

namespace tradecore::app::checks {

/// What: a read table as a query over es.events. The query has every column of the table, under the same names.
struct model_fold {
    std::string table;
    std::vector<std::string> key;
    std::string query;
};

/// What: one for each read table of the system.
const std::vector<model_fold>& model_folds(readmodel::system which);

/// What: functions that the queries use, in the session's own temporary schema:
///   pg_temp.half_even(n, d): n / d to 8 decimals, half to even, for n >= 0 and d > 0;
///   pg_temp.fold_positions(): what FillSettled events leave of each account and symbol.
extern const char* const create_fold_functions;
extern const char* const drop_fold_functions;

} // namespace tradecore::app::checks
