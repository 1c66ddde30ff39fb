// SPDX-License-Identifier: Apache-2.0
#include "db/known_statements.hpp"

#include <tradecore/pg/only_reads.hpp>

#include <bit>
#include <functional>

namespace tradecore::detail {
namespace {

/// Longer ones are taken for statements nothing is known of.
constexpr std::size_t longest_text = 8'192;

std::size_t place_of(const sql_text& sql)
{
    if (sql.owner)
        return std::hash<std::string_view>()(sql.text);
    // A literal stays where it is.
    const auto address = std::bit_cast<std::uintptr_t>(sql.text.data());
    return (address >> 4U) ^ (address >> 12U);
}

} // namespace

known_statement& known_statements::find(const sql_text& sql)
{
    if (sql.text.size() > longest_text)
        return too_long_;
    known_statement& here = met_[place_of(sql) % met_.size()];
    if (here.text != sql.text) {
        here.text = sql.text;
        here.only_reads = pg::only_reads(sql.text);
        here.leaves_session_alone = here.only_reads || pg::leaves_session_alone(sql.text);
        here.time = {};
    }
    return here;
}

} // namespace tradecore::detail
