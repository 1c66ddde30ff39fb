// SPDX-License-Identifier: Apache-2.0
#include "db/read_meaning.hpp"

#include "db/error_note.hpp"

#include <tradecore/db/errors.hpp>
#include <tradecore/pg/error.hpp>

#include <algorithm>
#include <array>

namespace tradecore::detail {

using namespace pg::literals;

namespace {

constexpr std::array worth_the_primary = {
    "08000"_sqlstate, // connections
    "0A000"_sqlstate, // serializable isolation is not for standbys
    "3F000"_sqlstate, // a schema that is not there yet
    "40000"_sqlstate, // replay was in the way
    "42000"_sqlstate, // other objects that are not there yet
    "53000"_sqlstate, // no room
    "55000"_sqlstate, // "recovery is in progress"
    "57000"_sqlstate, // shutdowns
    "58000"_sqlstate, "F0000"_sqlstate, "XX000"_sqlstate,
};

} // namespace

bool is_of_database(const std::exception_ptr& error) noexcept
{
    try {
        std::rethrow_exception(error);
    }
    catch (const pg::error&) {
        return true;
    }
    catch (...) {
        return false;
    }
}

bool is_timeout(const std::exception_ptr& error) noexcept
{
    try {
        std::rethrow_exception(error);
    }
    catch (const pg::timeout_error&) {
        return true;
    }
    catch (const pg::server_error& said) {
        return said.state() == "57014"_sqlstate;
    }
    catch (...) {
        return false;
    }
}

bool is_worth_the_primary(const std::exception_ptr& error) noexcept
{
    if (is_timeout(error))
        return false;
    try {
        std::rethrow_exception(error);
    }
    catch (const pg::server_error& said) {
        return std::ranges::find(worth_the_primary, said.state().class_code()) != worth_the_primary.end();
    }
    catch (const pg::connection_error&) {
        return true;
    }
    catch (const pg::protocol_error&) {
        return true;
    }
    catch (const pg::error& other) {
        return other.code() == pg::disposition::in_doubt;
    }
    catch (...) {
        return false;
    }
}

std::exception_ptr with_reason(const std::exception_ptr& error) noexcept
{
    try {
        std::rethrow_exception(error);
    }
    catch (const pg::server_error& said) {
        if (said.state() == "25006"_sqlstate)
            return with_note(error, "database::read only reads; write with the database itself");
    }
    catch (...) { // NOLINT(bugprone-empty-catch): as it is
    }
    return error;
}

} // namespace tradecore::detail
