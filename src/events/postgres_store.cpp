// SPDX-License-Identifier: Apache-2.0
#include "events/event_rows.hpp"
#include "events/postgres_log.hpp"
#include "events/wake_up.hpp"

#include <tradecore/events/postgres_store.hpp>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace tradecore::events {

namespace asio = boost::asio;

struct postgres_store::shared_state {
    explicit shared_state(const database& of) : where(of) {}

    database where;
    wake_up appends;
    stall stalled;
};

namespace {

// What es.append answers, by position; what an outcome does not have is empty or 0.
struct append_answer {
    std::string outcome;
    std::vector<std::int64_t> positions;
    std::vector<std::int64_t> bases;
    timestamptz recorded_at;
    std::int64_t at_stream;
    std::int64_t actual;
};

void check(const append_request& request)
{
    if (request.streams.empty() && !request.command_id) {
        throw std::invalid_argument("append: the request has neither streams nor a command");
    }
    std::set<std::string_view> seen;
    for (const auto& each : request.streams) {
        if (each.stream.empty()) {
            throw std::invalid_argument("append: a stream without a name");
        }
        if (!seen.insert(each.stream).second) {
            throw std::invalid_argument(fmt::format("append: stream '{}' is named twice", each.stream));
        }
        for (const auto& event : each.events) {
            if (event.type.empty()) {
                throw std::invalid_argument(
                    fmt::format("append: an event for stream '{}' without a type", each.stream));
            }
            if (event.id.is_nil()) {
                throw std::invalid_argument(
                    fmt::format("append: event '{}' for stream '{}' without an id", event.type, each.stream));
            }
        }
    }
}

// A plain function: the arguments are encoded when it returns, nothing refers to the request.
asio::awaitable<std::vector<append_answer>> call_append(database& where, const append_request& request)
{
    std::vector<std::string_view> streams;
    std::vector<std::string_view> kinds;
    std::vector<std::int64_t> expected;
    std::vector<std::int64_t> counts;
    for (const auto& each : request.streams) {
        streams.push_back(each.stream);
        kinds.push_back(each.stream_type);
        expected.push_back(each.expected.value());
        counts.push_back(static_cast<std::int64_t>(each.events.size()));
    }
    const auto all = request.streams | std::views::transform(&stream_append::events) | std::views::join;
    const auto ids = all | std::views::transform(&new_event::id);
    const auto types = all | std::views::transform(&new_event::type);
    const auto schema_versions = all | std::views::transform(&new_event::schema_version);
    const auto data = all | std::views::transform(&new_event::data);
    const auto meta = all | std::views::transform(&new_event::meta);
    return where.with({.idempotent = request.command_id.has_value(), .name = "events_append"})
        .fetch<append_answer>(
            "SELECT outcome, coalesce(positions, '{}'), coalesce(bases, '{}'), coalesce(recorded_at, now()), "
            "coalesce(at_stream, 0), coalesce(actual, 0) "
            "FROM es.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            request.command_id, streams, kinds, expected, counts, ids, types, schema_versions, data, meta);
}

std::vector<recorded_event> as_recorded(append_request request, const append_answer& answer)
{
    std::vector<recorded_event> events;
    const auto& positions = answer.positions;
    events.reserve(positions.size());
    for (std::size_t i = 0; i < request.streams.size(); ++i) {
        auto& from = request.streams[i];
        auto version = answer.bases.at(i);
        for (auto& event : from.events) {
            events.push_back(recorded_event{
                .position = positions.at(events.size()),
                .stream = from.stream,
                .version = ++version,
                .id = event.id,
                .type = std::move(event.type),
                .schema_version = event.schema_version,
                .data = std::move(event.data),
                .meta = std::move(event.meta),
                .recorded_at = answer.recorded_at});
        }
    }
    return events;
}

} // namespace

namespace {

// The statement is passed in by value: the frame owns everything it uses.
asio::awaitable<std::vector<recorded_event>> events_of(asio::awaitable<pg::result> answer)
{
    const auto rows = co_await std::move(answer);
    co_return read_events(rows);
}

} // namespace

postgres_store::postgres_store(const database& where) : state_(std::make_shared<shared_state>(where)) {}

postgres_store::~postgres_store() = default;

asio::awaitable<append_result> postgres_store::append(append_request request)
{
    const auto state = state_;
    check(request);
    // A transaction that failed can only be repeated by whoever opened it.
    const bool may_repeat = !state->where.in_transaction(co_await asio::this_coro::executor);
    std::vector<append_answer> answers;
    for (int attempt = 1; answers.empty(); ++attempt) {
        try {
            answers = co_await call_append(state->where, request);
        }
        catch (const pg::typed_errors::serialization_failure&) {
            if (!may_repeat || attempt == 2) {
                throw;
            }
        }
    }
    const auto& answer = answers.front();

    if (answer.outcome == "conflict") {
        const auto& at = request.streams.at(static_cast<std::size_t>(answer.at_stream - 1));
        throw wrong_expected_version(at.stream, at.expected, answer.actual);
    }
    append_result result;
    if (answer.outcome == "duplicate") {
        result.duplicate = true;
        if (!answer.positions.empty()) {
            result.events = read_events(co_await state->where.fetch(
                "SELECT position, stream_id, version, event_id, type, schema_ver, data, meta, recorded_at "
                "FROM es.events WHERE position = ANY ($1) ORDER BY position",
                answer.positions));
        }
        co_return result;
    }
    result.events = as_recorded(std::move(request), answer);
    if (!result.events.empty()) {
        state->appends.appended(result.events.back().position);
    }
    co_return result;
}

asio::awaitable<std::vector<recorded_event>>
postgres_store::read_stream(std::string stream, std::int64_t after_version, std::size_t limit)
{
    return events_of(state_->where.fetch(
        "SELECT position, stream_id, version, event_id, type, schema_ver, data, meta, recorded_at "
        "FROM es.events WHERE stream_id = $1 AND version > $2 ORDER BY version LIMIT $3",
        stream, after_version, static_cast<std::int64_t>(limit)));
}

std::unique_ptr<log_reader> postgres_store::open_log(std::int64_t after_position, type_filter wanted)
{
    return std::make_unique<postgres_log>(state_->where, after_position, std::move(wanted));
}

asio::awaitable<std::vector<uuid>> postgres_store::recorded_commands(std::vector<uuid> commands)
{
    return state_->where.fetch<uuid>("SELECT command_id FROM es.commands WHERE command_id = ANY ($1)", commands);
}

asio::awaitable<void> postgres_store::wait(std::int64_t after_position, std::chrono::milliseconds at_most)
{
    using namespace std::chrono_literals;
    using clock = std::chrono::steady_clock;
    const auto state = state_;
    const auto end = clock::now() + at_most;
    const auto left = [end] { return std::max<clock::duration>(end - clock::now(), 0ms); };

    if (state->appends.latest() > after_position) {
        // The caller has just looked. Mostly the event came in between; if one keeps coming back, it
        // cannot have it yet, and every append waking it would not help.
        const auto pause = state->stalled.pause_at(after_position);
        const auto deaf_until = clock::now() + std::min<clock::duration>({pause, 50ms, left()});
        while (clock::now() < deaf_until) {
            static_cast<void>(co_await state->appends.next(deaf_until - clock::now()));
        }
        if (pause > 50ms) {
            static_cast<void>(co_await state->appends.next(std::min<clock::duration>(pause - 50ms, left())));
        }
        co_return;
    }
    for (auto pause = 50ms; left() > 0ms; pause = std::min<std::chrono::milliseconds>(pause * 2, 1s)) {
        const bool woken = co_await state->appends.next(std::min<clock::duration>(pause, left()));
        if (woken || state->appends.latest() > after_position) {
            co_return;
        }
        const auto newest =
            co_await state->where.fetchval<std::int64_t>("SELECT coalesce(max(position), 0) FROM es.events");
        if (newest > after_position) {
            state->appends.seen(newest);
            co_return;
        }
    }
}

asio::awaitable<std::int64_t> postgres_store::head()
{
    return state_->where.fetchval<std::int64_t>("SELECT coalesce(max(position), 0) FROM es.events");
}

asio::awaitable<store_info> postgres_store::info()
{
    const auto state = state_;
    store_info about;
    about.epoch = co_await state->where.fetchval<uuid>("SELECT epoch FROM es.store");
    about.expected_versions = true;
    about.stream_reads = true;
    about.command_ids = true;
    co_return about;
}

} // namespace tradecore::events
