// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/support/fake_server.hpp"

#include <tradecore/db/errors.hpp>
#include <tradecore/pg/error.hpp>
#include <tradecore/resilience/circuit_breaker.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tradecore::test {

using namespace std::chrono_literals;
using resilience::outcome;

/// Whether the same again may be tried, as it is promised.
enum class again { never, if_asked, if_idempotent, once, yes };
/// What the server may have kept of an attempt that failed.
enum class kept {
    /// Nothing, unless the statement commits by itself while it runs.
    nothing,
    /// Of a transaction nothing; of a statement alone nobody knows.
    if_alone,
    maybe
};

struct fault_row {
    std::string_view name;
    std::exception_ptr error;
    outcome health;
    again repetition;
    kept left = kept::nothing;
    bool ends_session = false;
    std::chrono::milliseconds minimum_wait{0};
    bool is_conflict = false;
    bool from_standby = false;
};

inline std::exception_ptr of_client(pg::client_errc code)
{
    return std::make_exception_ptr(pg::connection_error(code, "as asked"));
}

struct faults {
    std::vector<fault_row> connecting{
        {"refused", of_client(pg::client_errc::cannot_connect), outcome::failure, again::yes},
        {"57P03", server_error_of("57P03"), outcome::failure, again::yes},
        {"53300", server_error_of("53300"), outcome::failure, again::yes, kept::nothing, false, 1s},
        {"28P01", server_error_of("28P01"), outcome::neutral, again::never},
        {"tls", of_client(pg::client_errc::tls_failed), outcome::failure, again::never},
        {"53200", server_error_of("53200"), outcome::failure, again::once},
    };
    fault_row connect_late{
        "connect too late", std::make_exception_ptr(pg::timeout_error("as asked")), outcome::failure, again::yes};
    /// Answers of a server that is well.
    std::vector<fault_row> answers{
        {"23505", server_error_of("23505"), outcome::success, again::never},
        {"40001", server_error_of("40001"), outcome::success, again::yes, kept::nothing, false, 0ms, true},
        {"40P01", server_error_of("40P01"), outcome::success, again::yes, kept::nothing, false, 0ms, true},
        {"55P03", server_error_of("55P03"), outcome::success, again::if_asked, kept::nothing, false, 0ms, true},
        {"57014", server_error_of("57014"), outcome::neutral, again::never},
    };
    /// Of one that is not.
    std::vector<fault_row> troubles{
        {"lost", of_client(pg::client_errc::connection_closed), outcome::connection_lost, again::yes, kept::if_alone,
         true},
        {"57P01", server_error_of("57P01"), outcome::connection_lost, again::yes, kept::if_alone, true},
        {"25P03", server_error_of("25P03"), outcome::neutral, again::yes, kept::if_alone, true},
        {"08007", server_error_of("08007"), outcome::connection_lost, again::yes, kept::maybe, true},
        {"40003", server_error_of("40003"), outcome::failure, again::yes, kept::maybe},
        {"53200", server_error_of("53200"), outcome::failure, again::once},
        {"53100", server_error_of("53100"), outcome::failure, again::never},
        {"garbage", std::make_exception_ptr(pg::protocol_error("as asked")), outcome::failure, again::never,
         kept::maybe, true},
        {"25006", server_error_of("25006"), outcome::failure, again::once, kept::nothing, false, 0ms, false, true},
    };
    fault_row commit_lost{
        "lost at COMMIT",
        std::make_exception_ptr(commit_unknown("as asked", 1, of_client(pg::client_errc::connection_closed))),
        outcome::connection_lost,
        again::yes,
        kept::maybe,
        true};
    fault_row late{
        "too late", std::make_exception_ptr(pg::timeout_error("as asked")), outcome::neutral, again::if_idempotent,
        kept::maybe};
    fault_row late_and_silent{
        "too late, and silent",
        std::make_exception_ptr(pg::timeout_error("as asked")),
        outcome::failure,
        again::if_idempotent,
        kept::maybe,
        true};
    fault_row busy{
        "all busy", std::make_exception_ptr(pool_timeout(db_errc::pool_exhausted, "as asked")), outcome::neutral,
        again::never};
    fault_row refused{
        "breaker",
        std::make_exception_ptr(circuit_open("as asked", 1s, std::make_shared<const std::string>("as asked"))),
        outcome::neutral, again::never};

    static const faults& all()
    {
        static const faults one;
        return one;
    }
};

/// @returns the error of who has waited in vain while connecting fails.
inline std::exception_ptr late_because_of(const fault_row& last)
{
    return std::make_exception_ptr(pool_timeout(db_errc::pool_cannot_connect, "as asked", last.error));
}

} // namespace tradecore::test
