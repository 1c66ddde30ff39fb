// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/types.hpp"
#include "readmodel/amount_traits.hpp"
#include "readmodel/read_table.hpp"

#include <tradecore/db/database.hpp>

#include <boost/json/value.hpp>
#include <boost/mp11.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// Whole rows of a read table in one statement. A row is a described struct whose members are the table's columns, with
/// `table` and `key` (column names, separated by commas) as static members. Table names stay unqualified: the
/// connection's search_path says into which schema they go.
namespace tradecore::app::readmodel {

namespace detail {

template <class Row>
using columns_of = boost::describe::describe_members<Row, boost::describe::mod_public>;

template <class T>
struct sql_type_of;
template <class T>
struct sql_type_of<std::optional<T>> : sql_type_of<T> {};
template <class Tag>
struct sql_type_of<domain::fixed<Tag>> {
    static constexpr std::string_view name = "numeric";
};
template <>
struct sql_type_of<domain::uuid> {
    static constexpr std::string_view name = "uuid";
};
template <>
struct sql_type_of<std::string> {
    static constexpr std::string_view name = "text";
};
template <>
struct sql_type_of<std::int64_t> {
    static constexpr std::string_view name = "bigint";
};
template <>
struct sql_type_of<domain::timestamp> {
    static constexpr std::string_view name = "timestamptz";
};
template <>
struct sql_type_of<boost::json::value> {
    static constexpr std::string_view name = "jsonb";
};

runtime_sql select_sql(const read_table& table, std::string_view key_type);
runtime_sql upsert_sql(const read_table& table);

template <class Row, auto Member>
auto column_values(std::span<const Row> rows)
{
    using value = std::remove_cvref_t<decltype(std::declval<Row>().*Member)>;
    std::vector<value> values;
    values.reserve(rows.size());
    for (const Row& row : rows)
        values.push_back(row.*Member);
    return values;
}

template <class Row, template <class...> class List, class... Columns>
pg::parameters encode_columns(std::span<const Row> rows, List<Columns...>)
{
    return pg::parameters::encode(column_values<Row, Columns::pointer>(rows)...);
}

} // namespace detail

/// What: how the table of a row type is called, its key and its columns.
template <class Row>
read_table describe_table()
{
    read_table out{std::string{Row::table}, std::string{Row::key}, {}};
    boost::mp11::mp_for_each<detail::columns_of<Row>>([&](auto column) {
        using value = std::remove_cvref_t<decltype(std::declval<Row>().*column.pointer)>;
        out.columns.push_back({column.name, std::string{detail::sql_type_of<value>::name}});
    });
    return out;
}

/// What: the rows whose first key column is one of `keys`, in no particular order.
/// Errors: what the database throws.
template <class Row, class Key>
boost::asio::awaitable<std::vector<Row>> load_rows(database& read, const std::vector<Key>& keys)
{
    static const runtime_sql text = detail::select_sql(describe_table<Row>(), detail::sql_type_of<Key>::name);
    // The plan is kept while the table grows from nothing: without this it may be one that reads the whole table. The
    // transaction is the engine's, so nothing else sees the setting.
    pg::statement what{
        .sql = text.text(),
        .arguments = pg::parameters::encode(keys),
        .options = {.name = "load_rows"},
        .verb = "FETCH",
        .before = {"SET LOCAL enable_seqscan = off"}};
    return pg::detail::all_rows<Row>(read.run(std::move(what)));
}

/// What: inserts rows, or replaces all columns of those whose key is there. Each key at most once.
/// Errors: what the database throws.
template <class Row>
boost::asio::awaitable<pg::command_tag> upsert_rows(database& read, std::span<const Row> rows)
{
    static const runtime_sql text = detail::upsert_sql(describe_table<Row>());
    pg::statement what{
        .sql = text.text(),
        .arguments = detail::encode_columns(rows, detail::columns_of<Row>{}),
        .options = {.name = "upsert_rows"},
        .verb = "EXECUTE"};
    return pg::detail::only_tag(read.run(std::move(what)));
}

} // namespace tradecore::app::readmodel
