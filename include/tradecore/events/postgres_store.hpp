// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/database.hpp>
#include <tradecore/events/event_store.hpp>

#include <memory>

namespace tradecore::events {

/// Events in PostgreSQL, in the tables and functions of `database/event_store.sql`.
///
/// Inside an ambient transaction of its database `append`, `read_stream`, `recorded_commands`, `head`
/// and `info` join it: an append then becomes visible with that transaction's commit, and readers of
/// this process are woken at the append, so that they find it by polling at the latest. After a
/// `wrong_expected_version` the transaction is still usable.
///
/// Errors: besides those of `event_store`, a `serialization_failure` of an append is retried once when
/// no ambient transaction is open, and otherwise left to whoever opened the transaction.
/// Thread safety: as of the database: everything that uses the store runs on one thread.
/// Lifetimes: keeps a handle of the database; calls and readers keep what they need and may outlive the store.
class postgres_store final : public event_store {
public:
    /// @param where an open database that has the tables; the store keeps a copy of the handle.
    explicit postgres_store(const database& where);
    ~postgres_store() override;

    [[nodiscard]] boost::asio::awaitable<append_result> append(append_request request) override;
    [[nodiscard]] boost::asio::awaitable<std::vector<recorded_event>>
    read_stream(std::string stream, std::int64_t after_version, std::size_t limit) override;
    using event_store::open_log;
    [[nodiscard]] std::unique_ptr<log_reader> open_log(std::int64_t after_position, type_filter wanted) override;
    [[nodiscard]] boost::asio::awaitable<std::vector<uuid>> recorded_commands(std::vector<uuid> commands) override;
    [[nodiscard]] boost::asio::awaitable<void>
    wait(std::int64_t after_position, std::chrono::milliseconds at_most) override;
    [[nodiscard]] boost::asio::awaitable<std::int64_t> head() override;
    [[nodiscard]] boost::asio::awaitable<store_info> info() override;

private:
    struct shared_state;

    std::shared_ptr<shared_state> state_;
};

} // namespace tradecore::events
