// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "readmodel/projectors.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace tradecore {
class database;
}

namespace tradecore::app::checks {

struct table_digest {
    std::string table;
    std::int64_t rows = 0;
    std::string sha256; ///< in hexadecimal
    bool operator==(const table_digest&) const = default;
};

/// What: one hash for each read table, over all its rows in the order of the key: the SHA-256 of the rows' SHA-256s, a
///   row's text being that of its columns, amounts with 8 decimals and times as microseconds since 1970, so that
///   neither the server's settings nor its collations matter. The server computes it; rows are not transferred.
/// Params: `where` a database in whose search_path the tables are.
/// Errors: what the database throws.
boost::asio::awaitable<std::vector<table_digest>> table_digests(database& where, readmodel::system which);

/// What: SHA-256, in hexadecimal, over all rows of all read models of both systems. Equal events make equal digests,
///   whenever and in whatever order between streams they were written.
boost::asio::awaitable<std::string> digest(database& main, database& vb);

} // namespace tradecore::app::checks
