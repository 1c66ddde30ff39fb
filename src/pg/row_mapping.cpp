// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/codec/row_mapper.hpp>

#include <string>

namespace tradecore::pg::detail {

namespace {

std::string list_names(const row_description& columns)
{
    std::string names;
    for (const auto& column : columns) {
        names += names.empty() ? "" : ", ";
        names += column.name;
    }
    return names.empty() ? "none" : names;
}

} // namespace

void refuse_rows(std::size_t found, std::string_view expected)
{
    throw cardinality_error(
        "the statement returned " + (found == 0 ? std::string("no") : std::to_string(found)) +
        (found == 1 ? " row" : " rows") + ", expected " + std::string(expected));
}

void refuse_null_value(std::string_view column)
{
    throw cardinality_error("column \"" + std::string(column) + "\" is NULL; fetch a std::optional to allow it");
}

void require_one_column(const row_description& columns)
{
    if (columns.size() != 1) {
        throw cardinality_error(
            "the statement returns " + std::to_string(columns.size()) + " columns (" + list_names(columns) +
            "), expected exactly one");
    }
}

void require_columns(const row_description& columns, std::size_t wanted, std::string_view cpp_type)
{
    if (columns.size() != wanted) {
        throw type_error(
            std::string(cpp_type) + " takes " + std::to_string(wanted) + " columns, the statement returns " +
            std::to_string(columns.size()) + ": " + list_names(columns));
    }
}

std::size_t column_of_member(const row_description& columns, std::string_view member, std::string_view cpp_type)
{
    std::size_t found = columns.size();
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (columns[i].name != member) {
            continue;
        }
        if (found != columns.size()) {
            throw type_error(
                "more than one column is called \"" + std::string(member) + "\", which is a member of " +
                std::string(cpp_type));
        }
        found = i;
    }
    if (found == columns.size()) {
        throw type_error(
            "no column for member \"" + std::string(member) + "\" of " + std::string(cpp_type) +
            "; columns: " + list_names(columns));
    }
    return found;
}

} // namespace tradecore::pg::detail
