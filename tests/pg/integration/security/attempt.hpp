// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/connection.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <ostream>
#include <string>

namespace tradecore::test {

/// What became of an attempt to connect.
struct outcome {
    bool connected = false;
    std::string tls{};  ///< the version in use; empty when the connection is not encrypted
    std::string user{}; ///< who we are on the server
    std::string what{};
    boost::system::error_code code{};

    [[nodiscard]] bool says(std::string_view part) const { return what.find(part) != std::string::npos; }
};

inline std::ostream& operator<<(std::ostream& out, const outcome& o)
{
    return out << (o.connected ? "connected as " + o.user + ", " + (o.tls.empty() ? "not encrypted" : o.tls) : o.what);
}

inline boost::asio::awaitable<void> attempt(pg::connect_options options, outcome& into)
{
    try {
        const auto executor = co_await boost::asio::this_coro::executor;
        const auto connection = co_await pg::connection::connect(executor, std::move(options));
        pg::statement who;
        who.sql.text = "SELECT coalesce(version, ''), current_user::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        const auto answer = co_await connection->run(std::move(who));
        into.tls = answer[0][0].as<std::string>();
        into.user = answer[0][1].as<std::string>();
        into.connected = true;
    }
    catch (const pg::error& error) {
        into.code = error.code();
        into.what = error.what();
    }
}

/// Connects, asks the server who we are, and closes. What else runs on the loop goes on meanwhile.
inline outcome connect_on(boost::asio::io_context& context, pg::connect_options options)
{
    outcome seen;
    std::exception_ptr other;
    boost::asio::co_spawn(context, attempt(std::move(options), seen), [&](const std::exception_ptr& thrown) {
        other = thrown;
        context.stop();
    });
    context.run();
    context.restart();
    if (other)
        std::rethrow_exception(other);
    return seen;
}

inline outcome connect_with(pg::connect_options options)
{
    boost::asio::io_context context;
    return connect_on(context, std::move(options));
}

} // namespace tradecore::test
