// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/events/event.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tradecore::events {

/// What the caller believes about a stream before it appends.
class expected_version {
public:
    /// Append whatever the stream's version is; a stream that does not exist is created.
    [[nodiscard]] static constexpr expected_version any() noexcept { return expected_version{-1}; }
    /// The stream must not exist yet.
    [[nodiscard]] static constexpr expected_version no_stream() noexcept { return expected_version{0}; }
    /// The stream's last event must have exactly this version; `exactly(0)` is `no_stream()`.
    /// @throws std::invalid_argument when `version` is negative.
    [[nodiscard]] static expected_version exactly(std::int64_t version);

    [[nodiscard]] constexpr bool is_any() const noexcept { return value_ < 0; }
    /// @returns the version; 0 means "no stream", -1 "any".
    [[nodiscard]] constexpr std::int64_t value() const noexcept { return value_; }
    /// @returns "any", "no stream" or the number, for messages.
    [[nodiscard]] std::string text() const;

    friend constexpr bool operator==(expected_version, expected_version) noexcept = default;

private:
    explicit constexpr expected_version(std::int64_t value) noexcept : value_(value) {}
    std::int64_t value_;
};

/// What goes to one stream.
struct stream_append {
    std::string stream;
    /// Kind of the stream ("order", "account"), kept when the stream is created.
    std::string stream_type;
    expected_version expected = expected_version::any();
    /// May be empty: then only the expectation is checked, and held until the append commits
    /// (a stream that does not exist cannot be held: "no stream" is then true only at the check).
    std::vector<new_event> events;
};

/// One atomic append to one or several streams.
struct append_request {
    /// The command that led to the events. A command is recorded with its events; the same id again
    /// appends nothing and gives the first result.
    std::optional<uuid> command_id;
    /// Each stream at most once. May be empty when there is a command: it had no effect, and that is
    /// recorded.
    std::vector<stream_append> streams;
};

/// What an append did.
struct append_result {
    /// The command had been recorded before: nothing was appended now.
    bool duplicate = false;
    /// The events in the order of the request, with positions and versions; of a duplicate those that
    /// the first append recorded.
    std::vector<recorded_event> events;
};

} // namespace tradecore::events
