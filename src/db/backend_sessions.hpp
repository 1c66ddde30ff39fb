// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/connect_options.hpp>
#include <tradecore/pg/sql.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace tradecore::detail {

/// What a process of the server was last used for by us.
struct backend_session {
    using clock = std::chrono::steady_clock;
    struct run {
        sql_text sql{};
        std::string name{};
        clock::time_point began{};
        clock::time_point ended{clock::time_point::max()}; // of one that runs: never
    };

    std::int32_t pid = 0;
    bool in_transaction = false;
    std::string transaction{};
    std::source_location transaction_where{};
    run runs[2]{};
    unsigned latest = 0;
    /// Of those who use it now.
    unsigned users = 0;

    void begin(const sql_text& sql, std::string_view name, clock::time_point now) noexcept;
    void end(clock::time_point now) noexcept { runs[latest].ended = now; }
    [[nodiscard]] const run& current() const noexcept { return runs[latest]; }
    [[nodiscard]] const run& previous() const noexcept { return runs[1 - latest]; }

    /// @returns the statement that was in somebody's way until just before `when`: the server answers both sides of a
    ///          deadlock at once, and the one that goes on may have sent its next statement before the other one learns
    ///          of its failure.
    [[nodiscard]] const run& in_the_way(clock::time_point when) const noexcept;
};

/// The use of a session; what is used is not forgotten.
class session_use {
public:
    session_use() = default;
    explicit session_use(backend_session& session) noexcept : session_(&session) { ++session.users; }
    session_use(session_use&& other) noexcept : session_(std::exchange(other.session_, nullptr)) {}
    session_use& operator=(session_use&& other) noexcept
    {
        std::swap(session_, other.session_);
        return *this;
    }
    session_use(const session_use&) = delete;
    session_use& operator=(const session_use&) = delete;
    ~session_use()
    {
        if (session_ != nullptr)
            --session_->users;
    }

    explicit operator bool() const noexcept { return session_ != nullptr; }
    [[nodiscard]] backend_session* operator->() const noexcept { return session_; }
    [[nodiscard]] std::int32_t pid() const noexcept { return session_->pid; }

private:
    backend_session* session_ = nullptr;
};

/// One database's sessions by the process that serves them; it knows those of the other databases on its event loop, so
/// that both sides of a deadlock can be named.
///
/// Sessions that were closed are forgotten when there are too many. In steady state it does not allocate.
/// Thread safety: as of the database; databases on different event loops do not see each other, nor do those that
/// several threads use.
/// Lifetimes: must outlive its uses; may outlive the event loop.
class backend_sessions {
public:
    struct owned_session {
        const backend_session* session = nullptr;
        std::string_view database{};
    };

    /// @param executor may be empty, of a database that has no connections.
    /// @param name must outlive this, as must `server`.
    /// @param usual how many connections there are at most.
    backend_sessions(
        const boost::asio::any_io_executor& executor, const std::string& name, const pg::connect_options& server,
        std::size_t usual);
    backend_sessions(const backend_sessions&) = delete;
    backend_sessions& operator=(const backend_sessions&) = delete;
    backend_sessions(backend_sessions&&) = delete;
    backend_sessions& operator=(backend_sessions&&) = delete;
    ~backend_sessions();

    /// A statement outside of transactions, or a transaction, gets the session of that process.
    [[nodiscard]] session_use use(std::int32_t pid);

    /// @returns what is known of a process of our server, whichever database's it is.
    [[nodiscard]] owned_session look_up(std::int32_t pid) const;
    [[nodiscard]] std::size_t size() const noexcept { return by_pid_.size(); }

private:
    class directory;
    class directory_service;

    std::shared_ptr<directory> all_;
    const std::string& name_;
    const pg::connect_options& server_;
    std::size_t usual_;
    std::unordered_map<std::int32_t, backend_session> by_pid_;
};

} // namespace tradecore::detail
