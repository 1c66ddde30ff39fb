// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/connect_options.hpp>
#include <tradecore/pg/error.hpp>
#include <tradecore/pg/listener.hpp>
#include <tradecore/pg/session.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tradecore::pg {

namespace engine {
class link;
}

/// Where a session stands, as the server says with each ReadyForQuery.
enum class transaction_status : char { idle = 'I', in_transaction = 'T', failed = 'E' };

/// One connection to a PostgreSQL server over protocol 3.0.
///
/// Statements of several callers may be in flight at once: they are sent in the order of the calls,
/// answered in that order, and one caller's error does not touch another's statement unless they share
/// a transaction. A statement is prepared on its first use and costs one round trip from the second on.
///
/// Errors: as of `session`. A `connection_error` or `protocol_error` leaves the connection closed; after any
/// other error it serves on. After a `timeout_error` `is_open` says which.
/// Cancellation, and a call's timeout: the server is asked to stop the statement, and the call ends when the truth
/// is known: with the result of a statement that was finished first, else with `operation_aborted` or a
/// `timeout_error`; a transaction it was part of has then failed and wants a ROLLBACK. A statement that waits behind
/// others in flight ends at once instead; when it was sent already, whether it is run is unknown. The connection
/// serves on, unless the server answers neither within `connect_options::cancel_timeout`: then it is closed.
/// (PostgreSQL documentation, "Canceling Requests in Progress".)
/// Thread safety: none; use it from its executor only (an implicit or explicit strand).
/// Lifetimes: what is in flight keeps what it needs; destroying the connection closes the socket and
/// completes every waiting call with a `connection_error`.
class connection final : public session {
public:
    using notice_handler = std::function<void(const diagnostics&)>;
    using parameter_handler = std::function<void(std::string_view name, std::string_view value)>;

    /// Connects, authenticates and waits until the server is ready.
    /// @param executor where the socket lives; must not be one that carries a transaction.
    /// @throws std::invalid_argument as `connect_options::validate`; connection_error when the server cannot be
    ///         reached, refuses or breaks off; server_error when it answers with an error (28P01, 3D000, 53300, …);
    ///         timeout_error after `connect_timeout`; protocol_error when it does not speak protocol 3.
    [[nodiscard]] static boost::asio::awaitable<std::unique_ptr<connection>>
    connect(boost::asio::any_io_executor executor, connect_options options);

    explicit connection(std::shared_ptr<engine::link> link);
    connection(connection&&) = delete;
    connection& operator=(connection&&) = delete;
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    ~connection() override;

    using session::run;
    [[nodiscard]] boost::asio::awaitable<result> run(statement what) override;
    /// The same of a statement that its caller keeps, unchanged, until the call has ended, to run it again perhaps.
    [[nodiscard]] boost::asio::awaitable<result> run_kept(const statement& what);
    [[nodiscard]] boost::asio::awaitable<batch_answers> run_batch(batch what) override;
    [[nodiscard]] boost::asio::awaitable<std::uint64_t> run_many(repeated_statement what) override;
    [[nodiscard]] boost::asio::awaitable<std::shared_ptr<detail::cursor_core>>
    open_cursor(statement what, cursor_options how) override;
    [[nodiscard]] boost::asio::awaitable<std::shared_ptr<detail::copy_in_core>>
    open_copy_in(detail::copy_request what) override;
    [[nodiscard]] boost::asio::awaitable<std::shared_ptr<detail::copy_out_core>>
    open_copy_out(detail::copy_request what) override;

    /// Listens to a channel, taken exactly as given (SQL's unquoted names are in lower case).
    /// @throws argument_error for a name that is none, and inside a transaction, where LISTEN would begin to work only
    ///         when that is committed; timeout_error after `options.call.timeout`.
    [[nodiscard]] boost::asio::awaitable<listener> listen(std::string channel, listen_options options = {});

    /// Runs a text of one or more statements with the simple protocol, in one implicit transaction
    /// unless the text says otherwise.
    /// @returns one result per statement, fields in text format.
    [[nodiscard]] boost::asio::awaitable<std::vector<result>> run_script(sql_text text, call_options options = {});
    /// The same of a literal, or of a `runtime_sql`.
    [[nodiscard]] boost::asio::awaitable<std::vector<result>> run_script(sql<> text, call_options options = {})
    {
        return run_script(text.text(), options);
    }

    /// Sends away who waits: calls that were not sent yet, and statements that change nothing
    /// (`call_options::only_reads`) behind the one that the server is at, end with `why`. For callers who share the
    /// connection and would rather go elsewhere. The server comes to such a statement nevertheless, and is asked to
    /// stop it when that takes more than 20 ms; its answer is dropped.
    void send_away(const std::exception_ptr& why);
    /// Says goodbye to the server and closes the socket; never fails and waits for nobody.
    void close() noexcept;
    /// @returns whether statements can still be sent.
    [[nodiscard]] bool is_open() const noexcept;
    /// @returns how many statements wait for their answers.
    [[nodiscard]] std::size_t in_flight() const noexcept;
    /// @returns whether a request to cancel an earlier statement is still under way: statements wait for its end.
    [[nodiscard]] bool is_settling() const noexcept;
    [[nodiscard]] transaction_status status() const noexcept;
    /// @returns whether a command has run that may have changed the session beyond its transaction, as far as tags of
    ///          commands tell: SET and RESET outside of transactions (inside they are taken for SET LOCAL), PREPARE,
    ///          DECLARE CURSOR, LISTEN, LOAD, DISCARD; or texts, of what makes temporary objects. What functions do,
    ///          such as `set_config` and session locks, does not show.
    [[nodiscard]] bool is_altered() const noexcept;
    /// Begins anew to watch for such commands.
    void forget_alterations() noexcept;
    [[nodiscard]] std::int32_t backend_pid() const noexcept;
    /// @returns which server of `connect_options::hosts` this is a connection to, as it is written there.
    [[nodiscard]] const host_address& host() const noexcept;
    /// Whether the server is to be asked for the id of the transaction (an xid8) behind each statement, in its round
    /// trip, until the transaction has one: only a transaction that writes gets one. Forgets what was known. For who
    /// must find out later whether a COMMIT took effect (`pg_xact_status`). Scripts are not asked behind.
    void ask_for_transaction_id(bool wanted) noexcept;
    /// @returns the id as it was behind the last statement: 0 when the transaction had none, nothing when that is not
    ///          known. What ends the transaction does not forget it.
    [[nodiscard]] std::optional<std::uint64_t> transaction_id() const noexcept;
    /// @returns the server's latest value of a reported parameter such as `server_version`; empty when
    ///          it has not reported one of that name.
    [[nodiscard]] std::string_view parameter(std::string_view name) const noexcept;
    /// Sets who is told when the server reports a parameter's new value (TimeZone, in_hot_standby, …); called on the
    /// connection's executor, when `parameter` has the value already. What it throws closes the connection.
    void on_parameter(parameter_handler handler);
    /// Sets who is told of notices; called on the connection's executor. What it throws closes the connection.
    void on_notice(notice_handler handler);

private:
    std::shared_ptr<engine::link> link_;
};

} // namespace tradecore::pg
