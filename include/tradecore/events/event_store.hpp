// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/events/append.hpp>
#include <tradecore/events/errors.hpp>
#include <tradecore/events/event.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tradecore::events {

/// What a store is and what it can do.
struct store_info {
    /// Changes when the store's content is replaced; a checkpoint of another epoch means nothing.
    uuid epoch{};
    /// Into how many independently ordered parts the log is cut.
    std::uint32_t partitions = 1;
    /// `append` honours expected versions.
    bool expected_versions = false;
    /// `read_stream` works.
    bool stream_reads = false;
    /// Command ids are recorded with the events.
    bool command_ids = false;
};

/// Says of a type of event whether its data is wanted.
using type_filter = std::function<bool(std::string_view type)>;

/// Reads all events of a store in position order, each exactly once, none before it is certain that no
/// earlier one can still appear.
///
/// Cancellation: any `next` may be cancelled; what it would have returned comes with a later call.
/// Thread safety: none. One call at a time.
/// Lifetimes: must not outlive the store that opened it.
class log_reader {
public:
    log_reader() = default;
    log_reader(const log_reader&) = delete;
    log_reader& operator=(const log_reader&) = delete;
    log_reader(log_reader&&) = delete;
    log_reader& operator=(log_reader&&) = delete;
    virtual ~log_reader() = default;

    /// @param limit the greatest number of events wanted, at least 1.
    /// @returns the next safe events in position order; nothing when none is safe now (there is no
    ///          newer event, or an append that drew an earlier position is still under way).
    /// @throws std::logic_error when called inside an ambient transaction of the store's database: its
    ///         snapshot and its own uncommitted events would make the answer wrong;
    ///         whatever the database throws.
    [[nodiscard]] virtual boost::asio::awaitable<std::vector<recorded_event>> next(std::size_t limit) = 0;

    /// @returns the position of the last event delivered, or where the reader was opened.
    [[nodiscard]] virtual std::int64_t position() const noexcept = 0;
};

/// Where events are kept: streams that are appended to, and one log over all of them.
///
/// Cancellation: a cancelled `append` may or may not have happened; with a command id, appending again
/// tells. Reads may be cancelled at any time.
/// Thread safety: as of the implementing class.
class event_store {
public:
    event_store() = default;
    event_store(const event_store&) = delete;
    event_store& operator=(const event_store&) = delete;
    event_store(event_store&&) = delete;
    event_store& operator=(event_store&&) = delete;
    virtual ~event_store() = default;

    /// Appends to one or several streams atomically, in one round trip (a duplicate takes a second one
    /// to read the first result).
    /// @returns the events with positions and versions, in the order of the request.
    /// @throws wrong_expected_version when a stream is elsewhere;
    ///         std::invalid_argument when the request names a stream twice, has an empty name, or has
    ///         neither events, expectations nor a command; whatever the database throws
    ///         (`unique_violation` when an event id is already in the store).
    [[nodiscard]] virtual boost::asio::awaitable<append_result> append(append_request request) = 0;

    /// @param after_version versions greater than this are read; 0 for all.
    /// @param limit the greatest number of events wanted, at least 1.
    /// @returns the stream's events in version order; nothing when the stream does not exist.
    [[nodiscard]] virtual boost::asio::awaitable<std::vector<recorded_event>>
    read_stream(std::string stream, std::int64_t after_version, std::size_t limit) = 0;

    /// @param after_position where the reader begins: the last position already seen, 0 for all.
    /// @param wanted says which types of events are needed complete. Others are delivered all the same, so
    ///        that the reader's position is known, but with null for data and meta. Empty: all.
    [[nodiscard]] virtual std::unique_ptr<log_reader> open_log(std::int64_t after_position, type_filter wanted) = 0;
    /// The same with all events complete.
    [[nodiscard]] std::unique_ptr<log_reader> open_log(std::int64_t after_position)
    {
        return open_log(after_position, type_filter());
    }

    /// @returns those of `commands` that are recorded, in no particular order; one round trip.
    [[nodiscard]] virtual boost::asio::awaitable<std::vector<uuid>> recorded_commands(std::vector<uuid> commands) = 0;

    /// Waits until there may be something after `after_position`. Appends of this process wake at
    /// once; those of others are found by polling, from 50 ms doubling to 1 s.
    ///
    /// A return is a hint, not a promise: the event may not be safe to read yet, or `at_most` is over.
    [[nodiscard]] virtual boost::asio::awaitable<void>
    wait(std::int64_t after_position, std::chrono::milliseconds at_most) = 0;

    /// @returns the greatest visible position; 0 when the store is empty. Earlier positions may still
    ///          be under way.
    [[nodiscard]] virtual boost::asio::awaitable<std::int64_t> head() = 0;

    [[nodiscard]] virtual boost::asio::awaitable<store_info> info() = 0;
};

} // namespace tradecore::events
