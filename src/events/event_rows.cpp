// SPDX-License-Identifier: Apache-2.0
#include "events/event_rows.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>

namespace tradecore::events {

namespace {

enum column : std::size_t { position, stream, version, id, type, schema_version, data, meta, recorded_at };

// Parsed values take about this many times the room of their text.
constexpr std::size_t growth = 3;
constexpr std::size_t least_arena = 1'024;
constexpr std::size_t most_arena = std::size_t{1} << 20U;
// Deeper than the library's own limit of 32, still far from the end of the stack.
constexpr std::size_t deepest = 500;

boost::json::value parse(const pg::field& from, const boost::json::storage_ptr& arena)
{
    const auto text = from.decode<std::string_view>();
    boost::json::error_code failed;
    boost::json::parse_options options;
    options.max_depth = deepest;
    auto value = boost::json::parse({text.data(), text.size()}, failed, arena, options);
    if (failed)
        from.refuse("JSON", failed.message());
    return value;
}

std::size_t arena_size(const pg::result& rows, std::size_t count)
{
    std::size_t text = 0;
    for (std::size_t i = 0; i < count; ++i)
        text += rows.at(i, column::data).bytes().size() + rows.at(i, column::meta).bytes().size();
    return std::clamp(text * growth, least_arena, most_arena);
}

} // namespace

std::vector<recorded_event> read_events(const pg::result& rows)
{
    return read_events(rows, {}, rows.size());
}

std::vector<recorded_event> read_events(const pg::result& rows, const type_filter& wanted, std::size_t count)
{
    std::vector<recorded_event> events;
    if (count == 0)
        return events;
    events.reserve(count);
    const auto arena = boost::json::make_shared_resource<boost::json::monotonic_resource>(arena_size(rows, count));
    for (std::size_t i = 0; i < count; ++i) {
        const auto row = rows[i];
        auto type = row[column::type].as<std::string>();
        const bool complete = !wanted || wanted(type);
        const auto json = [&](column which) {
            return complete ? parse(row[which], arena) : boost::json::value(nullptr, arena);
        };
        events.push_back(
            {.position = row[column::position].as<std::int64_t>(),
             .stream = row[column::stream].as<std::string>(),
             .version = row[column::version].as<std::int64_t>(),
             .id = row[column::id].as<uuid>(),
             .type = std::move(type),
             .schema_version = row[column::schema_version].as<std::int16_t>(),
             .data = json(column::data),
             .meta = json(column::meta),
             .recorded_at = row[column::recorded_at].as<timestamptz>()});
    }
    return events;
}

} // namespace tradecore::events
