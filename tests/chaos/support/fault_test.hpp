// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/network_gate.hpp"
#include "support/postgres.hpp"
#include "support/run.hpp"
#include "support/test_server.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/database.hpp>
#include <tradecore/embedded/server.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <string>
#include <type_traits>
#include <utility>

namespace tradecore::test {

namespace asio = boost::asio;
using namespace std::chrono_literals;

/// @returns an error in a word: the SQLSTATE of what a server said, the name of the exception's class of what this side
///          found, "in doubt" where that is all that is known; "untyped: …" of what no caller should ever get.
[[nodiscard]] std::string word_for(const std::exception_ptr& error);

/// Awaits a call.
/// @returns "ok", or the word for its error.
template <class T>
asio::awaitable<std::string> end_of(asio::awaitable<T> call)
{
    std::exception_ptr error;
    try {
        if constexpr (std::is_void_v<T>)
            co_await std::move(call);
        else
            (void)co_await std::move(call);
    }
    catch (...) {
        error = std::current_exception();
    }
    co_return error ? word_for(error) : "ok";
}

/// What the end of a connection looks like to a call that was under way, whoever noticed first.
inline auto is_lost_connection()
{
    return testing::AnyOf("connection_error", "57P01", "57P02", "in doubt");
}
/// The same of a call that has been tried more than once, maybe.
inline auto is_outage()
{
    return testing::AnyOf(is_lost_connection(), "57P03", "pool_timeout", "circuit_open", "timeout_error");
}

/// @returns how many descriptors this process has open.
[[nodiscard]] std::size_t open_descriptors();

/// Lets a millisecond pass, for what tells nobody when it has happened.
[[nodiscard]] asio::awaitable<void> moment();

/// Waits until every client of a gate at a TCP port whose link has ended could know it: the end has come to its socket,
/// and the loop has had turns to look.
[[nodiscard]] asio::awaitable<void> until_ends_have_come(const network_gate& gate);

/// Waits until all connections of a pool are there and idle, and until it serves; whoever is refused meanwhile is
/// refused with a typed error.
[[nodiscard]] asio::awaitable<void> until_whole(database& of);

/// Options for a database that recovers as fast as tests want it to.
[[nodiscard]] database_options quick_options(std::size_t connections);

/// A database reached through a gate; nothing may be left of a fault when a test has ended: its pool is whole and
/// serves, no connection and no descriptor is left behind.
class fault_test : public testing::Test {
protected:
    explicit fault_test(std::size_t connections) : options_(quick_options(connections)) {}

    /// Runs `body(database&, network_gate&)` against a server.
    template <class F>
    void run_at(const std::string& server, F body)
    {
        const auto before = open_descriptors();
        test::run([&]() -> asio::awaitable<void> {
            // Not a limit of anything that is tested: whatever hangs is named by what it throws.
            co_await with_timeout(limit_, run_through_gate<F>(server, options_, body));
        });
        EXPECT_EQ(open_descriptors(), before);
    }

    database_options options_;
    std::chrono::seconds limit_ = 4min;

private:
    template <class F>
    static asio::awaitable<void> run_through_gate(std::string server, database_options options, F& body)
    {
        const auto executor = co_await asio::this_coro::executor;
        network_gate gate(executor, server);
        auto connect = pg::connect_options::parse(gate.dsn());
        connect.connect_timeout = options.connect.connect_timeout;
        connect.cancel_timeout = options.connect.cancel_timeout;
        connect.settings = options.connect.settings;
        connect.provide_password = options.connect.provide_password;
        options.connect = std::move(connect);
        database main(executor, std::move(options));
        co_await main.open();
        co_await body(main, gate);
        co_await until_whole(main);
        co_await main.close();
        EXPECT_EQ(main.pool_stats().size, 0U);
        co_await gate.until([&] { return gate.open() == 0; });
    }
};

/// The same on a database of its own, with a table `note (number int, words text)`, of the server that all tests share.
class shared_server_test : public fault_test {
protected:
    explicit shared_server_test(std::size_t connections = 2);

    template <class F>
    void run(F body)
    {
        run_at(tcp_dsn_for("tc_trust", "", scratch_.name()), std::move(body));
    }

    /// @returns how many rows of the table `note` have this number.
    [[nodiscard]] int notes(int number) const;

    scratch_database scratch_{"chaos"};
};

/// The same on a server of its own, at a socket, which may be stopped, killed and started.
class own_server_test : public fault_test {
protected:
    explicit own_server_test(std::size_t connections = 4);

    template <class F>
    void run(F body)
    {
        run_at(server_.dsn(), std::move(body));
    }

    /// @returns the options that a server of these tests has.
    [[nodiscard]] static embedded::options server_options(const std::filesystem::path& folder);
    /// Runs SQL past the gate.
    std::string sql(const std::string& text) const { return run_sql(server_.dsn(), text); }
    [[nodiscard]] int notes(int number) const;
    void stop_fast() { server_.stop(); }
    void stop_immediately();

    temporary_folder folder_;
    embedded::server server_;
};

/// One row more in the table `note`.
[[nodiscard]] asio::awaitable<void> note(database& in, int number);

} // namespace tradecore::test
