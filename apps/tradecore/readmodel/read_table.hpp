// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace tradecore::app::readmodel {

struct read_column {
    std::string name;
    std::string type; ///< as SQL writes it: uuid, text, numeric, bigint, timestamptz, jsonb
};

/// What: a table of a read model: its key is a list of column names separated by commas, its columns are all it has.
struct read_table {
    std::string name;
    std::string key;
    std::vector<read_column> columns;
};

} // namespace tradecore::app::readmodel
