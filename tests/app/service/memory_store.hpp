// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/events/event_store.hpp>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tradecore::app::testing {

/// What: an event store in memory, as far as commands need one. `before_append` lets a test be the other writer;
///   what it or `after_append` throws is an error of the store, before or after it has done what it was asked.
class memory_store final : public events::event_store {
public:
    using events::event_store::open_log;

    std::function<void(const events::append_request&)> before_append;
    std::function<void()> after_append;
    std::vector<events::recorded_event> log;
    int appends = 0;
    int reads = 0;

    boost::asio::awaitable<events::append_result> append(events::append_request request) override
    {
        ++appends;
        if (before_append)
            std::exchange(before_append, {})(request);
        if (request.command_id) {
            if (const auto first = commands_.find(*request.command_id); first != commands_.end())
                co_return events::append_result{true, events_at(first->second)};
        }
        for (const auto& part : request.streams) {
            const auto actual = version_of(part.stream);
            if (!part.expected.is_any() && part.expected.value() != actual)
                throw events::wrong_expected_version(part.stream, part.expected, actual);
        }
        auto written = write(std::move(request));
        if (after_append)
            std::exchange(after_append, {})();
        co_return events::append_result{false, std::move(written)};
    }

    /// What: appends without a question, as somebody else would.
    std::vector<events::recorded_event> write(events::append_request request)
    {
        std::vector<std::int64_t> positions;
        for (auto& part : request.streams) {
            for (auto& event : part.events) {
                const auto position = static_cast<std::int64_t>(log.size()) + 1;
                log.push_back(
                    {position, part.stream, version_of(part.stream) + 1, event.id, std::move(event.type),
                     event.schema_version, std::move(event.data), std::move(event.meta), timestamptz{}});
                positions.push_back(position);
            }
        }
        if (request.command_id)
            commands_[*request.command_id] = positions;
        return events_at(positions);
    }

    boost::asio::awaitable<std::vector<events::recorded_event>>
    read_stream(std::string stream, std::int64_t after_version, std::size_t limit) override
    {
        ++reads;
        std::vector<events::recorded_event> found;
        for (const auto& event : log)
            if (event.stream == stream && event.version > after_version && found.size() < limit)
                found.push_back(event);
        co_return found;
    }

    boost::asio::awaitable<std::vector<uuid>> recorded_commands(std::vector<uuid> commands) override
    {
        std::erase_if(commands, [this](const uuid& id) { return !commands_.contains(id); });
        co_return commands;
    }

    std::unique_ptr<events::log_reader> open_log(std::int64_t, events::type_filter) override { return nullptr; }
    boost::asio::awaitable<void> wait(std::int64_t, std::chrono::milliseconds) override { co_return; }
    boost::asio::awaitable<std::int64_t> head() override { co_return static_cast<std::int64_t>(log.size()); }
    boost::asio::awaitable<events::store_info> info() override { co_return events::store_info{}; }

    [[nodiscard]] std::int64_t version_of(const std::string& stream) const
    {
        std::int64_t version = 0;
        for (const auto& event : log)
            version = event.stream == stream ? event.version : version;
        return version;
    }

private:
    [[nodiscard]] std::vector<events::recorded_event> events_at(const std::vector<std::int64_t>& positions) const
    {
        std::vector<events::recorded_event> found;
        for (const auto position : positions)
            found.push_back(log[static_cast<std::size_t>(position) - 1]);
        return found;
    }

    std::map<uuid, std::vector<std::int64_t>> commands_;
};

} // namespace tradecore::app::testing
