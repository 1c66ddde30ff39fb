// SPDX-License-Identifier: Apache-2.0
#include "checks/digest.hpp"

#include <tradecore/db/database.hpp>

#include <fmt/format.h>

namespace tradecore::app::checks {

namespace {

using readmodel::read_table;

std::string stable_text_of(const readmodel::read_column& column)
{
    if (column.type == "timestamptz")
        return fmt::format("(extract(epoch FROM {}) * 1000000)::bigint", column.name);
    return column.name;
}

// Hashing each row first keeps what is collected at 32 bytes a row: a value of the server holds 1 GB at most.
runtime_sql digest_sql(const read_table& table)
{
    std::string columns;
    for (const auto& column : table.columns)
        columns += (columns.empty() ? "" : ", ") + stable_text_of(column);
    return runtime_sql(fmt::format(
        "SELECT '{0}' AS \"table\", count(*) AS rows, encode(sha256(coalesce(string_agg("
        "sha256(convert_to(ROW({1})::text, 'UTF8')), ''::bytea ORDER BY {2}), ''::bytea)), 'hex') AS sha256 FROM {0}",
        table.name, columns, table.key));
}

} // namespace

boost::asio::awaitable<std::vector<table_digest>> table_digests(database& where, readmodel::system which)
{
    std::vector<table_digest> out;
    for (const auto& table : readmodel::read_tables(which)) {
        const auto rows = co_await where.fetch(digest_sql(table));
        const auto row = rows[0];
        out.push_back({row[0].decode<std::string>(), row[1].decode<std::int64_t>(), row[2].decode<std::string>()});
    }
    co_return out;
}

boost::asio::awaitable<std::string> digest(database& main, database& vb)
{
    std::string all;
    for (const auto& [table, rows, hash] : co_await table_digests(main, readmodel::system::main))
        all += fmt::format("main {} {} {}\n", table, rows, hash);
    for (const auto& [table, rows, hash] : co_await table_digests(vb, readmodel::system::vb))
        all += fmt::format("vb {} {} {}\n", table, rows, hash);
    co_return co_await main.fetchval<std::string>("SELECT encode(sha256(convert_to($1::text, 'UTF8')), 'hex')", all);
}

} // namespace tradecore::app::checks
