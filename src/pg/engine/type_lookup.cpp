// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/type_lookup.hpp"

#include "pg/engine/call.hpp"
#include "pg/engine/type_contradictions.hpp"
#include "pg/fsm/lookup.hpp"
#include "pg/protocol/frontend.hpp"

#include <tradecore/pg/parameters.hpp>
#include <tradecore/pg/type_names.hpp>

#include <algorithm>
#include <charconv>
#include <set>
#include <string>
#include <utility>

namespace tradecore::pg::engine {

namespace asio = boost::asio;
using namespace tradecore::pg::literals;

namespace {

// From a server that means well there come a few rows.
constexpr std::size_t most_types = 65'536;

/// Everything that the wanted types are made of, in one go. The OIDs below 10000 are fixed: those types are in the
/// catalogue that was compiled in, but for the row types of four system tables.
///
/// The first condition is always true; it makes the planner expect one row instead of many thousands at the end, for
/// which it would have the query compiled (JIT) at a hundred times the cost of running it.
constexpr std::string_view types_query_head = R"(
WITH RECURSIVE wanted (type) AS (
  SELECT given.type FROM pg_catalog.unnest($1::pg_catalog.oid[]) given (type)
  WHERE given.type::pg_catalog.int8 + 0 = given.type::pg_catalog.int8
  UNION
  SELECT part.type
  FROM wanted
  JOIN pg_catalog.pg_type t ON t.oid = wanted.type
  CROSS JOIN LATERAL (
    SELECT t.typelem AS type
    UNION ALL SELECT t.typbasetype
    UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a
      WHERE t.typrelid <> 0 AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid
)";

constexpr std::string_view types_query_multirange_parts = R"(
    UNION ALL SELECT r.rngtypid FROM pg_catalog.pg_range r WHERE r.rngmultitypid = t.oid
)";

constexpr std::string_view types_query_middle = R"(
  ) part
  WHERE part.type >= 10000 OR part.type IN (71, 75, 81, 83)
)
SELECT t.oid,
  n.nspname::pg_catalog.text,
  t.typname::pg_catalog.text,
  pg_catalog.format_type(t.oid, NULL),
  CASE WHEN e.typarray = t.oid THEN 'a' ELSE t.typtype::pg_catalog.text END,
  t.typdelim::pg_catalog.text,
  t.typsend::pg_catalog.oid <> 0,
  t.typreceive::pg_catalog.oid <> 0,
  COALESCE(CASE WHEN e.typarray = t.oid THEN t.typelem WHEN t.typtype = 'd' THEN t.typbasetype
    WHEN t.typtype = 'r' THEN (SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid)
)";

constexpr std::string_view types_query_multirange_element = R"(
    WHEN t.typtype = 'm' THEN (SELECT r.rngtypid FROM pg_catalog.pg_range r WHERE r.rngmultitypid = t.oid)
)";

constexpr std::string_view types_query_tail = R"(
  END, 0),
  ARRAY(SELECT a.attname::pg_catalog.text FROM pg_catalog.pg_attribute a
    WHERE t.typrelid <> 0 AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
  ARRAY(SELECT a.atttypid FROM pg_catalog.pg_attribute a
    WHERE t.typrelid <> 0 AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
  ARRAY(SELECT l.enumlabel::pg_catalog.text FROM pg_catalog.pg_enum l
    WHERE l.enumtypid = t.oid ORDER BY l.enumsortorder)
FROM wanted
JOIN pg_catalog.pg_type t ON t.oid = wanted.type
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem
)";

std::string types_query(const link& on)
{
    // Multiranges came with PostgreSQL 14.
    int major = 0;
    if (const auto version = on.parameters.find("server_version"); version != on.parameters.end())
        std::from_chars(version->second.data(), version->second.data() + version->second.size(), major);
    const bool multiranges = major >= 14 || major == 0;
    std::string text(types_query_head);
    text += multiranges ? types_query_multirange_parts : "";
    text += types_query_middle;
    text += multiranges ? types_query_multirange_element : "";
    text += types_query_tail;
    return text;
}

const std::shared_ptr<const row_description>& types_columns()
{
    static const auto columns = std::make_shared<const row_description>(row_description{
        {.name = "oid", .type = oids::oid_},
        {.name = "schema", .type = oids::text},
        {.name = "plain_name", .type = oids::text},
        {.name = "name", .type = oids::text},
        {.name = "kind", .type = oids::text},
        {.name = "delimiter", .type = oids::text},
        {.name = "sends", .type = oids::bool_},
        {.name = "receives", .type = oids::bool_},
        {.name = "element", .type = oids::oid_},
        {.name = "attributes", .type = oids::text_array},
        {.name = "attribute_types", .type = oids::oid_array},
        {.name = "labels", .type = oids::text_array},
    });
    return columns;
}

type_kind kind_of(std::string_view letter) noexcept
{
    if (letter.size() != 1)
        return type_kind::unknown;
    switch (letter.front()) {
    case 'a':
        return type_kind::array;
    case 'b':
        return type_kind::base;
    case 'c':
        return type_kind::composite;
    case 'd':
        return type_kind::domain;
    case 'e':
        return type_kind::enumeration;
    case 'm':
        return type_kind::multirange;
    case 'p':
        return type_kind::pseudo;
    case 'r':
        return type_kind::range;
    default:
        return type_kind::unknown;
    }
}

type_info read_type(const result& rows, std::size_t row)
{
    const auto at = [&](std::size_t column) { return rows.at(row, column); };
    type_info info;
    info.type = at(0).as<std::uint32_t>();
    info.schema = at(1).as<std::string>();
    info.plain_name = at(2).as<std::string>();
    info.name = at(3).as<std::string>();
    info.kind = kind_of(at(4).as<std::string_view>());
    const auto delimiter = at(5).as<std::string_view>();
    info.delimiter = delimiter.size() == 1 ? delimiter.front() : ',';
    info.sends_binary = at(6).as<bool>();
    info.receives_binary = at(7).as<bool>();
    info.element = at(8).as<std::uint32_t>();
    const auto names = at(9).as<std::vector<std::string>>();
    const auto types = at(10).as<std::vector<std::uint32_t>>();
    for (std::size_t i = 0; i < std::min(names.size(), types.size()); ++i)
        info.attributes.push_back({names[i], types[i]});
    info.labels = at(11).as<std::vector<std::string>>();
    return info;
}

std::vector<type_info> read_types(const result& rows)
{
    std::vector<type_info> types;
    for (std::size_t row = 0; row < rows.size(); ++row)
        types.push_back(read_type(rows, row));
    return types;
}

/// Asks the server for types and everything they are made of.
asio::awaitable<void>
look_up(std::shared_ptr<link> on, std::vector<oid> types, exchange::clock::time_point deadline, bool holds = false)
{
    if (holds)
        co_await on->settled(deadline);
    else if (!on->is_free())
        co_await on->enter(deadline);
    on->require_open();
    const auto exchange = make_exchange<fsm::lookup>(types_columns(), most_types);
    exchange->deadline = deadline;
    exchange->changes_nothing = true;
    auto& out = on->outgoing();
    static constexpr std::int16_t binary[] = {1};
    protocol::write_parse(out, {}, types_query(*on));
    protocol::write_bind(out, {}, parameters::encode(types), std::vector<oid>{oids::oid_array}, binary);
    protocol::write_execute(out);
    protocol::write_sync(out);
    on->queue(exchange);
    co_await on->wait(exchange);
    if (exchange->cancelled_because())
        std::rethrow_exception(exchange->cancelled_because());
    auto& machine = exchange->machine();
    if (auto& error = machine.error()) {
        // Who may not read the catalogue gets values of these types as text; but a transaction has failed by it.
        if (error->code == "42501"_sqlstate && exchange->began_idle())
            co_return;
        std::rethrow_exception(error_of(*exchange, std::move(*error), "look-up of types"));
    }
    on->types->add(read_types(machine.answer()));
}

void describe_columns(row_description& columns, const std::shared_ptr<const type_set>& known)
{
    for (auto& column : columns) {
        const type_ref type(column.type, known.get());
        if (!type.is_built_in() || tells_types(type))
            column.known = known;
    }
}

} // namespace

asio::awaitable<statement_types> complete_types(
    std::shared_ptr<link> on, std::vector<oid> parameters, std::optional<row_description> columns,
    exchange::clock::time_point deadline)
{
    const auto known = on->types->known();
    std::set<oid> unknown;
    for (const auto type : parameters) {
        if (is_unknown(type, known.get()))
            unknown.insert(type);
    }
    if (columns) {
        for (const auto& column : *columns) {
            if (is_unknown(column.type, known.get()))
                unknown.insert(column.type);
        }
    }
    if (!unknown.empty())
        co_await look_up(on, {unknown.begin(), unknown.end()}, deadline);
    co_return types_as_known(*on, std::move(parameters), std::move(columns));
}

bool has_user_types(const row_description& columns)
{
    return std::ranges::any_of(columns, [](const column& one) { return !type_ref(one.type).is_built_in(); });
}

statement_types types_as_known(const link& on, std::vector<oid> parameters, std::optional<row_description> columns)
{
    const auto known = on.types->known();
    statement_types complete;
    const bool built_in = std::ranges::all_of(parameters, [](oid type) { return type_ref(type).is_built_in(); });
    complete.parameters = parameter_types(std::move(parameters), built_in ? nullptr : known);
    if (columns) {
        describe_columns(*columns, known);
        for (auto& column : *columns) {
            const bool binary = type_ref(column.type, known.get()).sends_binary();
            column.format = binary ? wire_format::binary : wire_format::text;
        }
        complete.columns = std::move(columns);
    }
    return complete;
}

bool tell_types(const row_description& columns) noexcept
{
    return std::ranges::any_of(
        columns, [](const column& one) { return one.known != nullptr && tells_types({one.type, one.known.get()}); });
}

bool contradicts(const result& rows)
{
    const type_set* known = nullptr;
    for (const auto& column : rows.columns())
        known = column.known ? column.known.get() : known;
    return !contradictions(rows, known).empty();
}

asio::awaitable<result>
describe_anew(std::shared_ptr<link> on, result rows, exchange::clock::time_point deadline, bool holds)
{
    // What one look-up brings may tell of more types, in records that lie in values of the types it brought.
    constexpr int most_rounds = 4;
    std::set<oid> asked;
    for (int round = 0; round < most_rounds; ++round) {
        const auto known = on->types->known();
        auto missing = contradictions(rows, known.get());
        for (const auto& column : rows.columns()) {
            if (is_unknown(column.type, known.get()))
                missing.insert(column.type);
        }
        if (missing.empty() || missing == asked)
            break;
        co_await look_up(on, {missing.begin(), missing.end()}, deadline, holds);
        asked = std::move(missing);
    }
    auto columns = rows.columns();
    describe_columns(columns, on->types->known());
    rows.describe(std::make_shared<const row_description>(std::move(columns)));
    co_return rows;
}

bool may_be_of_old_types(
    const diagnostics& error, const parameter_types& parameters, const row_description* columns) noexcept
{
    using namespace tradecore::pg::literals;
    const auto is_users = [](const column& one) { return one.known != nullptr; };
    if (parameters.known() == nullptr && (columns == nullptr || std::ranges::none_of(*columns, is_users)))
        return false;
    // A type that is gone: internal error "cache lookup failed for type …", undefined object. A type that has changed
    // under values, functions or operators made for it: datatype mismatch, cannot coerce, undefined function, invalid
    // binary representation.
    return error.code == "XX000"_sqlstate || error.code == "42704"_sqlstate || error.code == "42804"_sqlstate ||
           error.code == "42846"_sqlstate || error.code == "42883"_sqlstate || error.code == "22P03"_sqlstate ||
           error.code == "08P01"_sqlstate;
}

} // namespace tradecore::pg::engine
