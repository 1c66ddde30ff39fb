// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/support/gate.hpp"

#include <tradecore/db/physical_connection.hpp>
#include <tradecore/pg/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <deque>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tradecore::test {

/// A server that answers when it is told to, connection by connection and in order, as PostgreSQL does with a pipeline.
/// Connections are numbered from 1; they may be shared.
class queue_server {
    struct pending {
        std::string sql;
        bool changes_nothing;
        gate answered{};
        std::exception_ptr error{};
        bool dropped = false; // its caller is gone
    };
    struct state {
        int id;
        bool open = true;
        bool settles = false;
        bool in_transaction = false;
        std::deque<std::shared_ptr<pending>> queue{};
    };

public:
    class connection;

    [[nodiscard]] connector make_connector()
    {
        return [this] { return connect(); };
    }

    /// @returns what waits for answers, in order: "a b*", with a star when nobody waits for it any more.
    [[nodiscard]] std::string queue(int id) const
    {
        std::string all;
        for (const auto& each : connections_.at(static_cast<std::size_t>(id) - 1)->queue)
            all += (all.empty() ? "" : " ") + each->sql + (each->dropped ? "*" : "");
        return all;
    }
    /// Answers what is first in a queue, with an error when there is one.
    void answer(int id, const std::exception_ptr& error = nullptr)
    {
        auto& of = *connections_.at(static_cast<std::size_t>(id) - 1);
        const auto first = of.queue.front();
        of.queue.pop_front();
        of.in_transaction = first->sql == "BEGIN" || (of.in_transaction && first->sql != "COMMIT");
        first->error = error;
        first->answered.open();
    }
    /// Ends a connection.
    void lose(int id) { close(*connections_.at(static_cast<std::size_t>(id) - 1)); }
    void settle(int id, bool settles) { connections_.at(static_cast<std::size_t>(id) - 1)->settles = settles; }

    /// Connects wait here unless it is open; it is at first.
    gate connects{};

    queue_server() { connects.open(); }
    queue_server(const queue_server&) = delete;
    queue_server& operator=(const queue_server&) = delete;
    queue_server(queue_server&&) = delete;
    queue_server& operator=(queue_server&&) = delete;
    ~queue_server() = default;

    [[nodiscard]] std::size_t made() const noexcept { return connections_.size(); }
    std::size_t sent = 0;
    int sent_away = 0;

private:
    asio::awaitable<std::unique_ptr<physical_connection>> connect();
    static void close(state& of) noexcept
    {
        of.open = false;
        for (const auto& each : std::exchange(of.queue, {})) {
            each->error = std::make_exception_ptr(
                pg::connection_error(pg::client_errc::connection_closed, "the connection was lost"));
            each->answered.open();
        }
    }

    std::vector<std::shared_ptr<state>> connections_;
};

class queue_server::connection final : public physical_connection {
public:
    connection(queue_server& server, std::shared_ptr<state> of) : server_(server), state_(std::move(of)) {}
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    connection(connection&&) = delete;
    connection& operator=(connection&&) = delete;
    ~connection() override { queue_server::close(*state_); }

    asio::awaitable<pg::result> run(pg::statement what) override
    {
        for (const auto& before : what.before)
            co_await wait_for(push(before, false));
        co_await wait_for(push(std::string(what.sql.text), what.options.only_reads));
        pg::result answer;
        answer.finish("SELECT 0");
        co_return answer;
    }
    asio::awaitable<std::vector<pg::result>> run_script(sql_text text, pg::call_options) override
    {
        co_await wait_for(push(std::string(text.text), false));
        co_return std::vector<pg::result>(1);
    }
    void close() noexcept override { queue_server::close(*state_); }
    [[nodiscard]] bool is_open() const noexcept override { return state_->open; }
    [[nodiscard]] std::size_t in_flight() const noexcept override { return state_->queue.size(); }
    [[nodiscard]] bool is_settling() const noexcept override { return state_->settles; }
    [[nodiscard]] pg::transaction_status status() const noexcept override
    {
        return state_->in_transaction ? pg::transaction_status::in_transaction : pg::transaction_status::idle;
    }
    [[nodiscard]] std::int32_t backend_pid() const noexcept override { return state_->id; }
    [[nodiscard]] std::string_view parameter(std::string_view) const noexcept override { return {}; }
    [[nodiscard]] bool can_be_shared() const noexcept override { return true; }
    void send_away(const std::exception_ptr& why) override
    {
        for (std::size_t i = 1; i < state_->queue.size(); ++i) {
            auto& behind = *state_->queue[i];
            if (!behind.changes_nothing || behind.dropped)
                continue;
            ++server_.sent_away;
            behind.error = why;
            behind.answered.open();
        }
    }

private:
    std::shared_ptr<pending> push(std::string sql, bool changes_nothing)
    {
        if (!state_->open)
            throw pg::connection_error(pg::client_errc::connection_closed, "the connection is closed");
        ++server_.sent;
        state_->queue.push_back(std::make_shared<pending>(pending{std::move(sql), changes_nothing}));
        return state_->queue.back();
    }
    static asio::awaitable<void> wait_for(std::shared_ptr<pending> what)
    {
        struct leaving {
            pending& what;
            explicit leaving(pending& of) : what(of) {}
            leaving(leaving&&) = delete;
            leaving& operator=(leaving&&) = delete;
            ~leaving() { what.dropped = true; }
        };
        const leaving marks(*what);
        const bool answered = co_await what->answered.wait();
        if (!answered)
            throw boost::system::system_error(asio::error::operation_aborted);
        if (what->error)
            std::rethrow_exception(what->error);
    }

    queue_server& server_;
    std::shared_ptr<state> state_;
};

inline asio::awaitable<std::unique_ptr<physical_connection>> queue_server::connect()
{
    const bool let_in = co_await connects.wait();
    if (!let_in)
        throw boost::system::system_error(asio::error::operation_aborted);
    connections_.push_back(std::make_shared<state>(state{.id = static_cast<int>(connections_.size()) + 1}));
    co_return std::make_unique<connection>(*this, connections_.back());
}

} // namespace tradecore::test
