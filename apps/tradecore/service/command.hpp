// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/codec.hpp"
#include "domain/decision.hpp"
#include "domain/ids.hpp"
#include "service/repeat.hpp"

#include <tradecore/events/event_store.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/container_hash/hash.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

/// How a command becomes events: load what it decides over, decide, append with the expected versions.
namespace tradecore::app::service {

namespace asio = boost::asio;
using domain::uuid;

/// What: the answer to a command. A repeated command gets the events of its first time.
struct answer {
    bool duplicate = false;
    std::vector<events::recorded_event> events;
    std::optional<domain::rejection> rejection;

    [[nodiscard]] bool accepted() const noexcept { return !rejection; }
};

/// What: the aggregates of one kind: the stream of each, and the states that are kept so that the next command need
///   not read its stream. Keeping is a matter of speed only: the expected version says when a state was out of date.
/// Thread safety: none.
template <class Event, class State>
class aggregates {
public:
    struct entry {
        std::int64_t version = 0;
        State state{};
    };
    using decoder = Event (*)(std::string_view type, int schema_version, const boost::json::value& data);

    /// Params: `kind` names the streams ("order-<id>"); `keep`: whether states outlive their command.
    aggregates(std::string_view kind, decoder decode, bool keep) : kind_(kind), decode_(decode), keep_(keep) {}

    [[nodiscard]] std::string_view kind() const noexcept { return kind_; }
    [[nodiscard]] std::string stream_of(const uuid& id) const { return std::string(kind_) + "-" + domain::to_text(id); }
    [[nodiscard]] Event decode(const events::recorded_event& from) const
    {
        return decode_(from.type, from.schema_version, from.data);
    }

    /// Returns: the state of an aggregate that was kept; null when it was not.
    [[nodiscard]] const State* find(const uuid& id) const
    {
        const auto found = kept_.find(id);
        return found == kept_.end() ? nullptr : &found->second.state;
    }

    /// What: the state to decide with: the kept one, or an empty one of an aggregate that is about to begin, or else
    ///   what the stream says.
    [[nodiscard]] asio::awaitable<entry> load(events::event_store& store, uuid id, bool begins)
    {
        if (const auto found = kept_.find(id); found != kept_.end())
            co_return found->second;
        entry loaded;
        if (begins)
            co_return loaded;
        constexpr std::size_t slice = 1'000;
        const std::string stream = stream_of(id);
        for (;;) {
            const auto events = co_await store.read_stream(stream, loaded.version, slice);
            for (const auto& event : events)
                advance(loaded, event);
            if (events.size() < slice)
                co_return loaded;
        }
    }

    void advance(entry& from, const events::recorded_event& event) const
    {
        from.state.apply(decode(event));
        from.version = event.version;
    }

    void keep(const uuid& id, entry latest)
    {
        if (keep_)
            kept_.insert_or_assign(id, std::move(latest));
    }
    void forget(const uuid& id) { kept_.erase(id); }

private:
    std::string_view kind_;
    decoder decode_;
    bool keep_;
    std::unordered_map<uuid, entry, boost::hash<uuid>> kept_;
};

/// What: one aggregate a command decides over. `begins`: the command creates it, so there is nothing to load.
template <class Event, class State>
struct target {
    aggregates<Event, State>& kind;
    uuid id{};
    bool begins = false;
};

namespace detail {

/// How often a command is decided anew because somebody else appended to one of its streams meanwhile.
inline constexpr int most_attempts = 10;

[[nodiscard]] events::stream_append
append_to(std::string stream, std::string_view kind, std::int64_t version, std::vector<events::new_event> events);

/// What: an event ready to be stored. Its id comes from the command and its place, so a repeated command makes the
/// same.
[[nodiscard]] events::new_event stored(const uuid& command_id, std::size_t place, domain::encoded_event encoded);

/// What: the first result of a command that was recorded, else the rejection.
[[nodiscard]] asio::awaitable<answer>
first_answer_or(events::event_store& store, uuid command_id, domain::rejection why);

/// What: appends; nothing when a stream is elsewhere than expected.
[[nodiscard]] asio::awaitable<std::optional<events::append_result>>
try_append(events::event_store& store, events::append_request request);

template <class Event, class State>
void catch_up_with(
    const target<Event, State>& with, typename aggregates<Event, State>::entry known,
    const std::vector<events::recorded_event>& events)
{
    const std::string stream = with.kind.stream_of(with.id);
    for (const auto& event : events) {
        if (event.stream != stream || event.version <= known.version)
            continue;
        if (event.version != known.version + 1)
            return with.kind.forget(with.id); // something is between: read it when it is needed
        with.kind.advance(known, event);
    }
    with.kind.keep(with.id, std::move(known));
}

} // namespace detail

namespace detail {

template <class Event, class Decide, class... States>
asio::awaitable<answer> try_command(
    events::event_store& store, uuid command_id, domain::encoded_event (*encode)(const Event&), Decide decide,
    target<Event, States>... targets)
{
    for (int attempt = 1;; ++attempt) {
        auto entries = std::tuple{co_await targets.kind.load(store, targets.id, targets.begins && attempt == 1)...};
        auto decided = std::apply([&](const auto&... entry) { return decide(entry.state...); }, entries);
        if (!decided)
            co_return co_await first_answer_or(store, command_id, decided.why());

        events::append_request request{.command_id = command_id, .streams = {}};
        std::size_t place = 0;
        std::size_t part = 0;
        std::apply(
            [&](const auto&... entry) {
                const auto add = [&](const auto& to, const auto& known) {
                    std::vector<events::new_event> events;
                    for (const auto& happened : decided.events()[part++])
                        events.push_back(stored(command_id, place++, encode(happened)));
                    if (!events.empty())
                        request.streams.push_back(
                            append_to(to.kind.stream_of(to.id), to.kind.kind(), known.version, std::move(events)));
                };
                (add(targets, entry), ...);
            },
            entries);

        auto appended = co_await try_append(store, std::move(request));
        if (!appended) {
            (targets.kind.forget(targets.id), ...);
            if (attempt == most_attempts)
                throw std::runtime_error(
                    "command " + domain::to_text(command_id) + " met another writer " + std::to_string(attempt) +
                    " times in a row");
            continue;
        }
        std::apply([&](auto&... entry) { (catch_up_with(targets, std::move(entry), appended->events), ...); }, entries);
        co_return answer{appended->duplicate, std::move(appended->events), std::nullopt};
    }
}

} // namespace detail

/// What: runs one command over one or more aggregates, whose events are appended together or not at all. It is tried
///   until the store answers, with the same id: what an attempt has done whose answer was lost is its first result.
/// Params: `decide` takes the states in the order of `targets` and returns a `decision` over an array with the events
/// of
///   each; it may be called again. `encode` turns an event into its stored form.
/// Returns: the events, or the rejection. A command that was recorded before is answered with its first result, even
///   when it would be rejected now.
/// Errors: std::runtime_error after 10 conflicts in a row; out_of_patience; what else the store throws.
template <class Event, class Decide, class... States>
asio::awaitable<answer> run_command(
    repeater& by, events::event_store& store, uuid command_id, domain::encoded_event (*encode)(const Event&),
    Decide decide, target<Event, States>... targets)
{
    return until_answered(by, [&store, command_id, encode, decide = std::move(decide), targets...] {
        return detail::try_command(store, command_id, encode, decide, targets...);
    });
}

} // namespace tradecore::app::service
