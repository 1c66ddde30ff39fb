// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/events/event_store.hpp>

#include <memory>

namespace tradecore {
class database;
}

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
/// Thread safety: all verbs may be called from any thread that may use the database.
/// Lifetimes: the database must outlive the store; the store must outlive its readers and calls.
class postgres_store final : public event_store {
public:
    explicit postgres_store(database& where);
    ~postgres_store() override;

    [[nodiscard]] boost::asio::awaitable<append_result> append(append_request request) override;
    [[nodiscard]] boost::asio::awaitable<std::vector<recorded_event>>
    read_stream(std::string stream, std::int64_t after_version, std::size_t limit) override;
    [[nodiscard]] std::unique_ptr<log_reader> open_log(std::int64_t after_position) override;
    [[nodiscard]] boost::asio::awaitable<std::vector<uuid>> recorded_commands(std::vector<uuid> commands) override;
    [[nodiscard]] boost::asio::awaitable<void>
    wait(std::int64_t after_position, std::chrono::milliseconds at_most) override;
    [[nodiscard]] boost::asio::awaitable<std::int64_t> head() override;
    [[nodiscard]] boost::asio::awaitable<store_info> info() override;

private:
    class wake_up;

    database& where_;
    std::shared_ptr<wake_up> wake_up_;
};

} // namespace tradecore::events
