// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "spoken_server.hpp"
#include "task.hpp"

#include <tradecore/pg/connection.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tradecore::test {

/// A connection to a server whose words the test says.
struct conversation {
    static constexpr std::chrono::minutes never_in_a_test{1};

    /// @param on_strand whether the connection lives on a strand.
    explicit conversation(std::chrono::milliseconds cancel_timeout = never_in_a_test, bool on_strand = false)
        : executor(on_strand ? boost::asio::any_io_executor(boost::asio::make_strand(context)) : context.get_executor())
    {
        task<std::unique_ptr<pg::connection>> connecting(executor, connect_to(executor, server.host(), cancel_timeout));
        db = outcome(connecting);
    }

    template <class T>
    [[nodiscard]] task<T> begin(boost::asio::awaitable<T> work)
    {
        return {executor, std::move(work)};
    }
    /// Begins a statement.
    [[nodiscard]] task<pg::result> ask(std::string_view sql, std::optional<std::chrono::milliseconds> timeout = {})
    {
        return begin(db->run({.sql = {sql, nullptr}, .arguments = {}, .options = {.timeout = timeout}}));
    }

    /// Waits for the end of a task. @returns or throws what it did.
    template <class T>
    T outcome(task<T>& of)
    {
        std::exception_ptr error;
        std::optional<T> value;
        boost::asio::co_spawn(executor, of.result(), [&](const std::exception_ptr& thrown, T given) {
            error = thrown;
            value = std::move(given);
        });
        if (!server.run_until([&] { return error || value; }))
            throw std::runtime_error("hangs");
        if (error)
            std::rethrow_exception(error);
        return std::move(*value);
    }
    /// The same for one that must throw an `Error`. @returns its message.
    template <class Error, class T>
    std::string error_of(task<T>& of)
    {
        try {
            (void)outcome(of);
        }
        catch (const Error& error) {
            return error.what();
        }
        catch (const std::exception& other) {
            ADD_FAILURE() << "not the expected error: " << other.what();
            return {};
        }
        ADD_FAILURE() << "no error";
        return {};
    }
    template <class T>
    bool was_aborted(task<T>& of)
    {
        try {
            (void)outcome(of);
        }
        catch (const boost::system::system_error& error) {
            return error.code() == boost::asio::error::operation_aborted;
        }
        return false;
    }

    boost::asio::io_context context{1};
    boost::asio::any_io_executor executor;
    spoken_server server{context};
    std::shared_ptr<pg::connection> db;

private:
    static boost::asio::awaitable<std::unique_ptr<pg::connection>>
    connect_to(boost::asio::any_io_executor executor, std::string host, std::chrono::milliseconds cancel_timeout)
    {
        pg::connect_options options;
        options.hosts = {{.host = std::move(host)}};
        options.tls.mode = pg::ssl_mode::disable;
        options.user = "trader";
        options.cancel_timeout = cancel_timeout;
        return pg::connection::connect(std::move(executor), options);
    }
};

/// The answer to preparing a statement without parameters that returns a column of int4.
inline std::string one_number_prepared()
{
    return backend::parse_complete() + backend::parameters({}) + backend::columns({{"n", 23}}, 0) + backend::ready();
}

/// The answer to executing it: one row.
inline std::string one_number(int number)
{
    return backend::bind_complete() + backend::row({backend::i32(number)}) + backend::complete("SELECT 1") +
           backend::ready();
}

} // namespace tradecore::test
