// SPDX-License-Identifier: Apache-2.0
#include "projection/failure.hpp"

#include <tradecore/db/errors.hpp>
#include <tradecore/observe/utf8.hpp>
#include <tradecore/pg/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <cstddef>
#include <new>

namespace tradecore::projection {

namespace {

constexpr std::size_t longest_description = 2'000;

failure_kind classify_code(const boost::system::error_code& code) noexcept
{
    using pg::condition;
    using pg::condition_class;
    using pg::disposition;
    if (code == condition::lock_not_available) {
        return failure_kind::lock_limit;
    }
    if (code == disposition::canceled) {
        return failure_kind::statement_limit;
    }
    // Not `disposition::timeout`: a pool that was exhausted has that, too, and is infrastructure.
    if (code == pg::client_errc::timeout) {
        return failure_kind::client_limit;
    }
    for (const auto outage :
         {disposition::transient, disposition::cannot_connect, disposition::overloaded, disposition::credentials,
          disposition::connection_lost, disposition::in_doubt, disposition::read_only, disposition::stale_statement,
          disposition::timeout, disposition::server_fault}) {
        if (code == outage) {
            return failure_kind::infrastructure;
        }
    }
    for (const auto outage :
         {condition_class::connection_exception, condition_class::insufficient_resources,
          condition_class::system_error}) {
        if (code == outage) {
            return failure_kind::infrastructure;
        }
    }
    if (code == pg::client_errc::connection_closed || code == pg::client_errc::cannot_connect ||
        code == pg::client_errc::protocol_violation || code == pg::client_errc::outcome_unknown ||
        code == db_errc::database_closed || code == db_errc::transaction_closed) {
        return failure_kind::infrastructure;
    }
    return failure_kind::deterministic;
}

} // namespace

failure_kind classify(const std::exception_ptr& error) noexcept
{
    try {
        std::rethrow_exception(error);
    }
    catch (const pg::error& e) {
        return classify_code(e.code());
    }
    catch (const boost::system::system_error& e) {
        if (e.code() == boost::asio::error::operation_aborted) {
            return failure_kind::cancelled;
        }
        return failure_kind::infrastructure;
    }
    catch (const std::bad_alloc&) {
        return failure_kind::infrastructure;
    }
    catch (...) {
        return failure_kind::deterministic;
    }
}

std::string describe(const std::exception_ptr& error)
{
    std::string text;
    try {
        std::rethrow_exception(error);
    }
    catch (const std::exception& e) {
        text = observe::valid_utf8(e.what()); // a text column takes nothing else
    }
    catch (...) {
        text = "an exception that is not a std::exception";
    }
    if (text.size() > longest_description) {
        auto end = longest_description;
        // A byte 10xxxxxx continues a character: cut before the character.
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
            --end;
        }
        text.resize(end);
    }
    // NUL cannot be stored in a text column.
    for (char& c : text) {
        if (c == '\0') {
            c = ' ';
        }
    }
    return text;
}

} // namespace tradecore::projection
