// SPDX-License-Identifier: Apache-2.0
#include "readmodel/row_io.hpp"

#include <fmt/format.h>

#include <set>

namespace tradecore::app::readmodel::detail {

namespace {

std::set<std::string, std::less<>> keys_of(const read_table& table)
{
    std::set<std::string, std::less<>> keys;
    std::string_view rest = table.key;
    while (!rest.empty()) {
        const auto comma = rest.find(',');
        std::string_view one = rest.substr(0, comma);
        while (one.starts_with(' '))
            one.remove_prefix(1);
        keys.emplace(one);
        rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    }
    return keys;
}

std::string names_of(const read_table& table)
{
    std::string names;
    for (const auto& column : table.columns)
        names += (names.empty() ? "" : ", ") + column.name;
    return names;
}

} // namespace

runtime_sql select_sql(const read_table& table, std::string_view key_type)
{
    const std::string first_key = table.key.substr(0, table.key.find(','));
    return runtime_sql(
        fmt::format("SELECT {} FROM {} WHERE {} = ANY ($1::{}[])", names_of(table), table.name, first_key, key_type));
}

runtime_sql upsert_sql(const read_table& table)
{
    const auto keys = keys_of(table);
    std::string arrays;
    std::string changes;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        const auto& column = table.columns[i];
        arrays += fmt::format("{}${}::{}[]", i == 0 ? "" : ", ", i + 1, column.type);
        if (!keys.contains(column.name))
            changes += fmt::format("{}{} = excluded.{}", changes.empty() ? "" : ", ", column.name, column.name);
    }
    const std::string action = changes.empty() ? "NOTHING" : "UPDATE SET " + changes;
    return runtime_sql(fmt::format(
        "INSERT INTO {} ({}) SELECT * FROM unnest({}) ON CONFLICT ({}) DO {}", table.name, names_of(table), arrays,
        table.key, action));
}

} // namespace tradecore::app::readmodel::detail
