// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/connect_failure.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <cstddef>

namespace tradecore::pg::engine {

namespace {

/// How much a failure says about what is wrong; 0 for what is not about the host.
int telling(const std::exception_ptr& failure)
{
    try {
        std::rethrow_exception(failure);
    }
    catch (const server_error&) {
        return 5;
    }
    catch (const connection_error& error) {
        return error.code() == client_errc::cannot_connect ? 1 : 4;
    }
    catch (const protocol_error&) {
        return 3;
    }
    catch (const timeout_error&) {
        return 2;
    }
    catch (...) {
        return 0;
    }
}

std::string text_of(const std::exception_ptr& failure)
{
    try {
        std::rethrow_exception(failure);
    }
    catch (const std::exception& error) {
        return error.what();
    }
    catch (...) {
        return "unknown error";
    }
}

} // namespace

void throw_cannot_connect(const std::string& server, const std::string& doing, const boost::system::error_code& error)
{
    if (error == boost::asio::error::operation_aborted)
        throw boost::system::system_error(error);
    const bool cut = error == boost::asio::error::eof;
    // Only a Unix-domain socket is a file.
    const bool absent = doing.empty() && error == boost::system::errc::no_such_file_or_directory;
    throw connection_error(
        client_errc::cannot_connect,
        "cannot connect to " + server + (doing.empty() ? "" : ": " + doing) +
            (cut      ? ": the server closed the connection"
             : absent ? ": no server has its socket there"
                      : ""),
        cut ? boost::system::error_code() : error);
}

timeout_error too_slow(const std::string& server, const std::string& doing)
{
    return timeout_error("cannot connect to " + server + ": the time limit passed (" + doing + ")");
}

bool is_about_host(const std::exception_ptr& failure)
{
    return telling(failure) > 0;
}

bool is_worth_another_host(const std::exception_ptr& failure)
{
    try {
        std::rethrow_exception(failure);
    }
    catch (const server_error& refusal) {
        return refusal.code() == disposition::cannot_connect || refusal.code() == disposition::overloaded;
    }
    catch (const connection_error& error) {
        return error.code() == client_errc::cannot_connect || error.code() == client_errc::connection_closed;
    }
    catch (const protocol_error&) {
        return true;
    }
    catch (const timeout_error&) {
        return true;
    }
    catch (...) {
        return false;
    }
}

void throw_together(const std::string& attempts, const std::vector<std::exception_ptr>& failures)
{
    std::size_t chosen = 0;
    for (std::size_t i = 1; i < failures.size(); ++i)
        if (telling(failures[i]) >= telling(failures[chosen]))
            chosen = i;
    // What is not about a host ends the attempts at once and comes last.
    if (failures.size() == 1 || !is_about_host(failures.back()))
        std::rethrow_exception(failures.back());

    std::string all = attempts + ": ";
    for (std::size_t i = 0; i < failures.size(); ++i)
        all += (i > 0 ? "; " : "") + text_of(failures[i]);
    try {
        std::rethrow_exception(failures[chosen]);
    }
    catch (const server_error& refusal) {
        throw_server_error(refusal.diagnostics(), "connect (" + all + ")");
    }
    catch (const connection_error& error) {
        throw connection_error(static_cast<client_errc>(error.code().value()), all);
    }
    catch (const protocol_error&) {
        throw protocol_error(all);
    }
    catch (const timeout_error&) {
        throw timeout_error(all);
    }
}

} // namespace tradecore::pg::engine
