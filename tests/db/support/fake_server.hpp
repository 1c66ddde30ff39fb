// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/support/gate.hpp"

#include <tradecore/db/physical_connection.hpp>
#include <tradecore/pg/error.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tradecore::test {

/// A server that keeps a log of what connections were asked, and behaves like PostgreSQL as far as pools and
/// transactions can tell. Statements it understands besides those of transactions:
///   FAIL <SQLSTATE>   is refused
///   HOLD <name>       is answered when the gate of that name opens
///   DIE               ends the connection
///   WRITE …           gives the transaction an id
///   SET …             outside of a transaction alters the session
/// Anything else is answered.
class fake_server {
public:
    class connection;

    /// @returns a connector whose connections are numbered from 1.
    [[nodiscard]] connector make_connector();

    /// The log: "1:BEGIN | 1:a | 1:COMMIT".
    [[nodiscard]] std::string log() const;
    void clear_log() { log_.clear(); }
    gate& held(const std::string& name) { return gates_[name]; }

    /// Called before a command is carried out; may close the connection.
    std::function<void(connection&, const std::string&)> on_command;
    /// Called when a command was carried out, before it is answered; may close the connection.
    std::function<void(connection&, const std::string&)> on_carried_out;
    /// What a command is answered with, as one row with one text; nothing for no row.
    std::function<std::optional<std::string>(connection&, const std::string&)> answer;
    /// Of the server, and of the connections made from now on. Empty: they know of no ids. When a connection asks for
    /// its transaction's id the log says so: "1:id?".
    std::string incarnation;
    /// What has become of transactions with ids.
    std::map<std::uint64_t, std::string> fates;
    /// Says it instead; empty for NULL.
    std::function<std::string(std::uint64_t)> tell_fate;
    std::uint64_t next_id = 100;
    /// With which limits statements and scripts have come; the latest of each text.
    std::map<std::string, std::optional<std::chrono::milliseconds>> limits;
    /// Connects wait here unless it is open; it is at first.
    gate connects;
    /// What the next connects throw; null entries connect.
    std::vector<std::exception_ptr> connect_errors;
    /// What all connects throw once those are used up; null connects.
    std::exception_ptr refusal;
    int connects_begun = 0;
    int connects_running = 0;
    int most_connects_running = 0;
    std::vector<connection*> open_connections;
    /// Ends all connections.
    void close_connections();

    fake_server() { connects.open(); }
    fake_server(const fake_server&) = delete;
    fake_server& operator=(const fake_server&) = delete;
    fake_server(fake_server&&) = delete;
    fake_server& operator=(fake_server&&) = delete;
    ~fake_server() = default;

private:
    asio::awaitable<std::unique_ptr<physical_connection>> connect();

    std::vector<std::string> log_;
    std::map<std::string, gate> gates_;
    int last_id_ = 0;
};

class fake_server::connection final : public physical_connection {
public:
    connection(fake_server& server, int id);
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    connection(connection&&) = delete;
    connection& operator=(connection&&) = delete;
    ~connection() override;

    asio::awaitable<pg::result> run(pg::statement what) override;
    asio::awaitable<std::vector<pg::result>> run_script(sql_text text, pg::call_options options) override;
    void close() noexcept override;
    [[nodiscard]] bool is_open() const noexcept override { return state_->open; }
    [[nodiscard]] std::size_t in_flight() const noexcept override { return state_->in_flight; }
    [[nodiscard]] pg::transaction_status status() const noexcept override { return state_->status; }
    [[nodiscard]] std::int32_t backend_pid() const noexcept override { return state_->id; }
    [[nodiscard]] std::string_view parameter(std::string_view name) const noexcept override
    {
        return name == "in_hot_standby" ? (state_->is_standby ? "on" : "off") : "15.0";
    }

    [[nodiscard]] bool is_altered() const noexcept override { return state_->altered; }
    void forget_alterations() noexcept override { state_->altered = false; }

    void ask_for_transaction_id(bool wanted) noexcept override
    {
        state_->asks = wanted;
        state_->known_id.reset();
    }
    [[nodiscard]] std::optional<std::uint64_t> transaction_id() const noexcept override { return state_->known_id; }
    [[nodiscard]] std::string_view incarnation() const noexcept override { return state_->incarnation; }

    /// The command being carried out is not answered before the gate opens.
    void hold_next(std::string gate) { state_->hold = std::move(gate); }
    [[nodiscard]] bool is_settling() const noexcept override { return state_->settles; }
    /// A request to cancel is under way: what comes next waits until the gate opens.
    void settle_at(std::string gate)
    {
        state_->settles = true;
        state_->hold = std::move(gate);
    }
    /// The server says from now on that it is a standby.
    void become_standby() { state_->is_standby = true; }
    void become_primary() { state_->is_standby = false; }
    /// The transaction has failed; the server waits for its end.
    void fail_transaction() { state_->status = pg::transaction_status::failed; }
    /// The server has rolled back by itself.
    void abort_transaction() { state_->status = pg::transaction_status::idle; }

private:
    // Shared with what is in flight, as a real connection's is.
    struct state {
        fake_server* server;
        connection* self;
        int id;
        bool open = true;
        bool settles = false;
        bool is_standby = false;
        bool altered = false;
        std::size_t in_flight = 0;
        pg::transaction_status status = pg::transaction_status::idle;
        std::vector<std::string> savepoints;
        std::vector<gate*> waits_at;
        std::string hold;
        std::string incarnation;
        std::uint64_t transaction_id = 0;
        bool asks = false;
        std::optional<std::uint64_t> known_id;
    };
    static void end_transaction(state& of, const char* fate);
    static std::optional<pg::result> answer_question(state& of, const std::string& command);
    static asio::awaitable<pg::result> run_on(std::shared_ptr<state> on, pg::statement what);
    static asio::awaitable<std::vector<pg::result>>
    run_script_on(std::shared_ptr<state> on, sql_text text, pg::call_options options);
    static asio::awaitable<std::string> do_carry_out(std::shared_ptr<state> on, std::string command);
    static asio::awaitable<std::string> carry_out(std::shared_ptr<state> on, std::string command);
    static asio::awaitable<void> wait_at(std::shared_ptr<state> on, std::string name);
    static void close(state& of) noexcept;
    static void require_open(const state& of);

    std::shared_ptr<state> state_;
};

/// @returns the exception of an SQLSTATE as the server's answer.
[[nodiscard]] std::exception_ptr server_error_of(std::string_view state);

} // namespace tradecore::test
