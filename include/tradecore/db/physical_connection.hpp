// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/connect_options.hpp>
#include <tradecore/pg/connection.hpp>
#include <tradecore/pg/session.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tradecore {

/// What a pool keeps: a connection as far as pools and transactions need it. `pg::connection` is behind
/// it in programs, a scripted one in tests.
///
/// The contract is that of `pg::connection`: statements in flight are answered in order; the server is
/// asked to stop a statement that is cancelled while its answer is awaited, and when it does not, the
/// connection is closed; closing completes every waiting call with a `connection_error`.
class physical_connection : public pg::session {
public:
    using pg::session::run;
    /// As of `pg::connection`; a connection that needs the statement for itself is given a copy.
    [[nodiscard]] virtual boost::asio::awaitable<pg::result> run_kept(const pg::statement& what) { return run(what); }
    [[nodiscard]] virtual boost::asio::awaitable<std::vector<pg::result>>
    run_script(sql_text text, pg::call_options options) = 0;
    /// As of `pg::connection`; a connection that cannot listen refuses.
    [[nodiscard]] virtual boost::asio::awaitable<pg::listener> listen(std::string channel, pg::listen_options options);
    virtual void close() noexcept = 0;
    [[nodiscard]] virtual bool is_open() const noexcept = 0;
    [[nodiscard]] virtual std::size_t in_flight() const noexcept = 0;
    /// As of `pg::connection`; false of a connection that cancels in another way.
    [[nodiscard]] virtual bool is_settling() const noexcept { return false; }
    [[nodiscard]] virtual pg::transaction_status status() const noexcept = 0;
    /// As of `pg::connection`; one that does not know says no.
    [[nodiscard]] virtual bool is_altered() const noexcept { return false; }
    virtual void forget_alterations() noexcept {}
    [[nodiscard]] virtual std::int32_t backend_pid() const noexcept = 0;
    /// As of `pg::connection`; without a name when it is not known.
    [[nodiscard]] virtual const pg::host_address& host() const noexcept;
    [[nodiscard]] virtual std::string_view parameter(std::string_view name) const noexcept = 0;

    /// Whether statements of several callers may be in flight at once; then `send_away` works, as of `pg::connection`.
    [[nodiscard]] virtual bool can_be_shared() const noexcept { return false; }
    virtual void send_away(const std::exception_ptr& /*why*/) {}

    /// As of `pg::connection`; one that knows of no ids is not asked.
    virtual void ask_for_transaction_id(bool /*wanted*/) noexcept {}
    [[nodiscard]] virtual std::optional<std::uint64_t> transaction_id() const noexcept { return std::nullopt; }
    /// @returns what tells the server, from its start to its end or its next crash, from all others: only there do
    ///          transaction ids mean the same. Empty when it is not known.
    [[nodiscard]] virtual std::string_view incarnation() const noexcept { return {}; }

    /// For `database::read`: the server is proved to have all that was committed on the primary before this moment. It
    /// stays true, for the session lives no longer than the server's process does.
    std::optional<std::chrono::steady_clock::time_point> has_all_before{};
};

/// Makes a connection; called on the pool's executor. Its time limit is its own.
using connector = std::function<boost::asio::awaitable<std::unique_ptr<physical_connection>>()>;

/// What a connection is asked once, when it is made.
enum class first_question : bool {
    nothing,
    /// The server's `incarnation`, in one more round trip.
    incarnation
};

/// @param executor where sockets live; must not carry an ambient transaction.
/// @returns a connector of real connections.
[[nodiscard]] connector make_connector(
    boost::asio::any_io_executor executor, pg::connect_options options, first_question first = first_question::nothing);

} // namespace tradecore
