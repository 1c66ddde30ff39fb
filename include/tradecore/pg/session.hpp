// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/result.hpp>
#include <tradecore/pg/row_mapping.hpp>
#include <tradecore/pg/statement.hpp>

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace tradecore::pg {

namespace detail {

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

    /// Runs a statement and returns all rows, untyped.
    template <class... Args>
    [[nodiscard]] boost::asio::awaitable<result> fetch(sql<std::type_identity_t<Args>...> text, const Args&... args)
    {
        return run(make("FETCH", text.text(), args...));
    }

    /// Runs a statement and maps each row to a `T`: a described struct by column name, a tuple or a
    /// plain aggregate by position, anything else from the only column.
    template <class T, class... Args>
    [[nodiscard]] boost::asio::awaitable<std::vector<T>>
    fetch(sql<std::type_identity_t<Args>...> text, const Args&... args)
    {
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

    /// The one door all verbs go through.
    [[nodiscard]] virtual boost::asio::awaitable<result> run(statement what) = 0;

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
