// SPDX-License-Identifier: Apache-2.0
#include "projection/isolation.hpp"

#include "projection/failure.hpp"

#include <cstddef>
#include <exception>
#include <set>
#include <span>
#include <string_view>
#include <utility>

namespace tradecore::projection {

namespace {

using event_list = std::vector<events::recorded_event>;

struct range {
    std::size_t begin;
    std::size_t end;
};

boost::asio::awaitable<void>
apply_and_check(std::shared_ptr<engine_state> self, std::shared_ptr<const event_list> chunk, range part)
{
    co_await self->what.apply(self->read, std::span(*chunk).subspan(part.begin, part.end - part.begin));
    // Deferred constraints would otherwise fail at COMMIT, when nobody can tell whose fault it is.
    co_await self->read.execute("SET CONSTRAINTS ALL IMMEDIATE");
    co_await self->read.execute("SET CONSTRAINTS ALL DEFERRED");
}

// @returns the error, if it is the events' fault.
boost::asio::awaitable<std::exception_ptr>
try_chunk(std::shared_ptr<engine_state> self, std::shared_ptr<const event_list> chunk, range part)
{
    std::exception_ptr error;
    try {
        const auto body = [self, chunk, part] { return apply_and_check(self, chunk, part); };
        co_await self->read.transaction(body);
    }
    catch (...) {
        error = std::current_exception();
    }
    if (error && !blames_event(classify(error))) {
        std::rethrow_exception(error);
    }
    co_return error;
}

// What remains of a range when the events of failed streams are left out; the list itself when none is.
struct remains {
    std::shared_ptr<const event_list> events;
    range part;
};

remains
without(const std::shared_ptr<const event_list>& events, range part, const std::set<std::string, std::less<>>& failed)
{
    bool complete = true;
    for (auto i = part.begin; i < part.end && complete; ++i) {
        complete = !failed.contains((*events)[i].stream);
    }
    if (complete) {
        return {.events = events, .part = part};
    }
    auto kept = std::make_shared<event_list>();
    for (auto i = part.begin; i < part.end; ++i) {
        if (!failed.contains((*events)[i].stream)) {
            kept->push_back((*events)[i]);
        }
    }
    const auto size = kept->size();
    return {.events = std::move(kept), .part = {.begin = 0, .end = size}};
}

} // namespace

boost::asio::awaitable<isolation_result>
apply_isolated(std::shared_ptr<engine_state> self, std::shared_ptr<const std::vector<events::recorded_event>> events)
{
    isolation_result result;
    std::set<std::string, std::less<>> failed;
    // A stack with the earliest part on top: position order is kept.
    std::vector<remains> todo{{.events = events, .part = {.begin = 0, .end = events->size()}}};
    while (!todo.empty()) {
        const auto next = without(todo.back().events, todo.back().part, failed);
        todo.pop_back();
        const auto size = next.part.end - next.part.begin;
        if (size == 0) {
            continue;
        }
        const auto error = co_await try_chunk(self, next.events, next.part);
        if (!error) {
            for (auto i = next.part.begin; i < next.part.end; ++i) {
                const auto& event = (*next.events)[i];
                result.reached[event.stream] = event.version;
            }
            result.applied += size;
        }
        else if (size == 1) {
            const auto& event = (*next.events)[next.part.begin];
            failed.insert(event.stream);
            result.failed.push_back(
                {.stream = event.stream,
                 .version = event.version,
                 .id = event.id,
                 .type = event.type,
                 .error = describe(error)});
        }
        else {
            const auto middle = next.part.begin + size / 2;
            todo.push_back({.events = next.events, .part = {.begin = middle, .end = next.part.end}});
            todo.push_back({.events = next.events, .part = {.begin = next.part.begin, .end = middle}});
        }
    }
    co_return result;
}

} // namespace tradecore::projection
