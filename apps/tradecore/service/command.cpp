// SPDX-License-Identifier: Apache-2.0
#include "service/command.hpp"

#include <tradecore/events/errors.hpp>

namespace tradecore::app::service::detail {

events::stream_append
append_to(std::string stream, std::string_view kind, std::int64_t version, std::vector<events::new_event> events)
{
    return {
        .stream = std::move(stream),
        .stream_type = std::string(kind),
        .expected = events::expected_version::exactly(version),
        .events = std::move(events)};
}

events::new_event stored(const uuid& command_id, std::size_t place, domain::encoded_event encoded)
{
    return {
        .id = domain::uuid5(command_id, std::to_string(place)),
        .type = std::string(encoded.type),
        .schema_version = static_cast<std::int16_t>(encoded.schema_version),
        .data = std::move(encoded.data),
        .meta = nullptr};
}

asio::awaitable<answer> first_answer_or(events::event_store& store, uuid command_id, domain::rejection why)
{
    const auto recorded = co_await store.recorded_commands({command_id});
    if (recorded.empty())
        co_return answer{false, {}, std::move(why)};
    auto first = co_await store.append({.command_id = command_id, .streams = {}});
    co_return answer{true, std::move(first.events), std::nullopt};
}

asio::awaitable<std::optional<events::append_result>>
try_append(events::event_store& store, events::append_request request)
{
    try {
        co_return co_await store.append(std::move(request));
    }
    catch (const events::wrong_expected_version&) {
        co_return std::nullopt;
    }
}

} // namespace tradecore::app::service::detail
