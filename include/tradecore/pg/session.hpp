// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/batch.hpp>
#include <tradecore/pg/copy_in.hpp>
#include <tradecore/pg/copy_out.hpp>
#include <tradecore/pg/cursor.hpp>
#include <tradecore/pg/execute_many.hpp>
#include <tradecore/pg/result.hpp>
#include <tradecore/pg/row_mapping.hpp>
#include <tradecore/pg/statement.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tradecore::pg {

namespace detail {

template <class T>
using rows_of = std::conditional_t<std::is_same_v<T, result>, result, std::vector<T>>;

// The awaitable of a statement is passed in by value: the frame owns everything it uses.
template <class T>
boost::asio::awaitable<std::vector<T>> all_rows(boost::asio::awaitable<result> answer)
{
    const result rows = co_await std::move(answer);
    co_return map_rows<T>(rows);
}

template <class T>
boost::asio::awaitable<std::optional<T>> one_row(boost::asio::awaitable<result> answer)
{
    const result rows = co_await std::move(answer);
    co_return map_optional_row<T>(rows);
}

template <class T>
boost::asio::awaitable<T> one_value(boost::asio::awaitable<result> answer)
{
    const result rows = co_await std::move(answer);
    co_return map_value<T>(rows);
}

boost::asio::awaitable<command_tag> only_tag(boost::asio::awaitable<result> answer);
boost::asio::awaitable<void> only_end(boost::asio::awaitable<result> answer);

template <class T>
boost::asio::awaitable<cursor<T>> open_cursor(boost::asio::awaitable<std::shared_ptr<cursor_core>> opening)
{
    co_return cursor<T>(co_await std::move(opening));
}

} // namespace detail

/// Everything that runs statements: a connection, a transaction, a database. Functions that need
/// nothing else take a `session&`.
///
/// The verb states the cardinality. Arguments are encoded before the verb returns, so nothing the
/// caller passed needs to outlive the call expression.
///
/// Errors: `server_error` and its children when the server refuses; `connection_error`,
/// `protocol_error`, `timeout_error` when the connection fails; `type_error` when rows do not fit the
/// C++ type or an argument does not fit its parameter; `cardinality_error` when the number of rows
/// does not fit the verb.
/// Cancellation: terminal; what becomes of the statement is said by the class that implements it.
/// Thread safety: as of the implementing class.
class session {
public:
    session() = default;
    session(const session&) = default;
    session& operator=(const session&) = default;
    session(session&&) = default;
    session& operator=(session&&) = default;
    virtual ~session() = default;

    /// Runs a statement and maps each row to a `T`: a described struct by column name, a tuple or a
    /// plain aggregate by position, anything else from the only column. Without a `T`, the rows are untyped.
    /// @returns a `std::vector<T>`; a `result` without a `T`.
    template <class T = result, class... Args>
    [[nodiscard]] boost::asio::awaitable<detail::rows_of<T>>
    fetch(sql<std::type_identity_t<Args>...> text, const Args&... args)
    {
        if constexpr (std::is_same_v<T, result>)
            return run(make("FETCH", text.text(), args...));
        else
            return detail::all_rows<T>(run(make("FETCH", text.text(), args...)));
    }

    /// Runs a statement that returns at most one row; a second row is a `cardinality_error`.
    template <class T, class... Args>
    [[nodiscard]] boost::asio::awaitable<std::optional<T>>
    fetchrow(sql<std::type_identity_t<Args>...> text, const Args&... args)
    {
        return detail::one_row<T>(run(make("FETCHROW", text.text(), args...)));
    }

    /// Runs a statement that returns one value. No row or NULL is a `cardinality_error` unless `T` is
    /// an optional; more than one row or column always is.
    template <class T, class... Args>
    [[nodiscard]] boost::asio::awaitable<T> fetchval(sql<std::type_identity_t<Args>...> text, const Args&... args)
    {
        return detail::one_value<T>(run(make("FETCHVAL", text.text(), args...)));
    }

    /// Runs a statement for its effect.
    /// @returns the command's tag with the number of rows it touched.
    template <class... Args>
    [[nodiscard]] boost::asio::awaitable<command_tag>
    execute(sql<std::type_identity_t<Args>...> text, const Args&... args)
    {
        return detail::only_tag(run(make("EXECUTE", text.text(), args...)));
    }

    // --- many statements ------------------------------------------------------------------------------------------

    /// Runs the statements of a batch in one round trip (two when some of them are new to the connection).
    /// @throws what concerns the connection; an entry's error comes out of `batch_answers::get`.
    [[nodiscard]] boost::asio::awaitable<batch_answers> run(batch what) { return run_batch(std::move(what)); }

    /// Executes one statement for each row of a range, all in one transaction (an implicit one unless one runs): when
    /// one row fails, none has an effect. Rows are encoded while earlier ones are on their way; rows that statements
    /// return are dropped.
    /// @param rows any input range, of any size; its elements are tuples, pairs, aggregates, described structs (the
    ///        members in their order), or single values for a statement with one parameter. An lvalue must outlive
    ///        the call, an rvalue is kept.
    /// @returns how many rows were affected in all.
    /// @throws the error of the row that failed: `what()` says which one, counted from 0, and so does
    ///         `diagnostics().row` of the server's errors; what the range throws.
    template <std::ranges::input_range R>
    [[nodiscard]] boost::asio::awaitable<std::uint64_t>
    execute_many(sql_for_rows_of<std::type_identity_t<R>> text, R&& rows)
    {
        using view = std::views::all_t<R>;
        return run_many(
            {.sql = text.text(),
             .rows = std::make_unique<detail::range_source<view>>(std::views::all(std::forward<R>(rows)))});
    }

    /// Opens a cursor; see `pg::cursor`. Untyped when `T` is left out.
    template <class T = result, class... Args>
    [[nodiscard]] boost::asio::awaitable<pg::cursor<T>>
    cursor(sql<std::type_identity_t<Args>...> text, const Args&... args)
    {
        return detail::open_cursor<T>(open_cursor(make("CURSOR", text.text(), args...), {}));
    }
    /// The same, with slices as one likes them.
    template <class T = result, class... Args>
    [[nodiscard]] boost::asio::awaitable<pg::cursor<T>>
    cursor(cursor_options how, sql<std::type_identity_t<Args>...> text, const Args&... args)
    {
        return detail::open_cursor<T>(open_cursor(make("CURSOR", text.text(), args...), how));
    }

    // --- COPY -----------------------------------------------------------------------------------------------------

    /// Copies rows into a table, in binary. See `copy_writer` for what holds while it runs, and `execute_many` for what
    /// `rows` can be.
    /// @param columns in the order of the rows' values.
    /// @returns how many rows were stored.
    template <std::ranges::input_range R>
    [[nodiscard]] boost::asio::awaitable<std::uint64_t>
    copy_in(const table_name& table, const std::vector<std::string>& columns, R&& rows, copy_options options = {})
    {
        return detail::copy_range(
            open_copy_in(detail::copy_into(table, columns, std::move(options))),
            std::views::all(std::forward<R>(rows)));
    }
    /// The same for described structs, whose members have the columns' names.
    template <std::ranges::input_range R>
        requires detail::described_row<std::ranges::range_value_t<R>>
    [[nodiscard]] boost::asio::awaitable<std::uint64_t>
    copy_in(const table_name& table, R&& rows, copy_options options = {})
    {
        return copy_in(
            table, detail::member_names<std::ranges::range_value_t<R>>(), std::forward<R>(rows), std::move(options));
    }
    /// The same bit by bit.
    [[nodiscard]] boost::asio::awaitable<pg::copy_writer>
    copy_writer(const table_name& table, const std::vector<std::string>& columns, copy_options options = {})
    {
        return detail::open_stream<pg::copy_writer>(
            open_copy_in(detail::copy_into(table, columns, std::move(options))));
    }
    /// Begins a `COPY … FROM STDIN` whose data the caller has in the statement's format.
    [[nodiscard]] boost::asio::awaitable<pg::copy_in_stream> copy_in_stream(sql<> copy, copy_options options = {})
    {
        return detail::open_stream<pg::copy_in_stream>(
            open_copy_in({.copy = copy.text(), .options = std::move(options)}));
    }

    /// Reads the rows of a query (SELECT, VALUES, TABLE, INSERT … RETURNING) with binary COPY; see `copy_reader`.
    template <class T>
    [[nodiscard]] boost::asio::awaitable<copy_reader<T>> copy_out(sql<> query, copy_options options = {})
    {
        return detail::open_reader<T>(open_copy_out(detail::copy_of(query.text(), std::move(options))));
    }
    /// Begins a `COPY … TO STDOUT`.
    [[nodiscard]] boost::asio::awaitable<pg::copy_out_stream> copy_out_stream(sql<> copy, copy_options options = {})
    {
        return detail::open_stream<pg::copy_out_stream>(
            open_copy_out({.copy = copy.text(), .options = std::move(options)}));
    }

    /// Sends a notification; in a transaction, when that is committed.
    /// @param payload less than 8000 bytes.
    [[nodiscard]] boost::asio::awaitable<void> notify(std::string_view channel, std::string_view payload = {})
    {
        return detail::only_end(
            run(make("NOTIFY", sql_text{"SELECT pg_catalog.pg_notify($1, $2)", nullptr}, channel, payload)));
    }

    // --- the doors all verbs go through ---------------------------------------------------------------------------
    // A session that has only the first refuses the others with an argument_error.

    [[nodiscard]] virtual boost::asio::awaitable<result> run(statement what) = 0;
    [[nodiscard]] virtual boost::asio::awaitable<batch_answers> run_batch(batch what);
    [[nodiscard]] virtual boost::asio::awaitable<std::uint64_t> run_many(repeated_statement what);
    [[nodiscard]] virtual boost::asio::awaitable<std::shared_ptr<detail::cursor_core>>
    open_cursor(statement what, cursor_options how);
    [[nodiscard]] virtual boost::asio::awaitable<std::shared_ptr<detail::copy_in_core>>
    open_copy_in(detail::copy_request what);
    [[nodiscard]] virtual boost::asio::awaitable<std::shared_ptr<detail::copy_out_core>>
    open_copy_out(detail::copy_request what);

private:
    template <class... Args>
    static statement make(std::string_view verb, sql_text text, const Args&... args)
    {
        return {.sql = std::move(text), .arguments = parameters::encode(args...), .options = {}, .verb = verb};
    }
};

} // namespace tradecore::pg

namespace tradecore {
using pg::session;
} // namespace tradecore
