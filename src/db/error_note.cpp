// SPDX-License-Identifier: Apache-2.0
#include "db/error_note.hpp"

#include <tradecore/db/errors.hpp>
#include <tradecore/pg/batch.hpp>
#include <tradecore/pg/error.hpp>

#include <fmt/format.h>

#include <stdexcept>
#include <typeinfo>

namespace tradecore::detail {

namespace {

/// @returns a copy of `error` when it is a `T` and nothing that derives from it, else null.
template <class T>
std::exception_ptr copy_as(const pg::error& error)
{
    return typeid(error) == typeid(T) ? std::make_exception_ptr(static_cast<const T&>(error)) : nullptr;
}

template <class... T>
std::exception_ptr copy_as_one_of(const pg::error& error)
{
    std::exception_ptr copy;
    (void)((copy = copy_as<T>(error)) || ...);
    return copy;
}

std::exception_ptr copy_of(const pg::error& error)
{
    // The driver has a type for each SQLSTATE and makes the right one.
    if (const auto* said = dynamic_cast<const pg::server_error*>(&error))
        return pg::make_server_error(said->diagnostics(), {});
    return copy_as_one_of<
        pg::connection_error, pg::protocol_error, pg::timeout_error, pg::error, pg::batch_aborted, pool_timeout,
        circuit_open, commit_unknown, transaction_rolled_back, transaction_closed, waits_for_itself, database_closed>(
        error);
}

std::exception_ptr noted_copy_of(const pg::error& error, std::string_view note)
{
    auto copy = copy_of(error);
    if (!copy)
        return nullptr;
    try {
        std::rethrow_exception(copy);
    }
    catch (pg::error& fresh) {
        if (typeid(fresh) != typeid(error))
            return nullptr;
        // Only the base that keeps the text.
        static_cast<std::runtime_error&>(fresh) = std::runtime_error(fmt::format("{} ({})", error.what(), note));
    }
    return copy;
}

} // namespace

std::exception_ptr with_note(const std::exception_ptr& error, std::string_view note) noexcept
{
    try {
        std::rethrow_exception(error);
    }
    catch (const pg::error& known) {
        try {
            const auto copy = noted_copy_of(known, note);
            return copy ? copy : error;
        }
        catch (...) {
            return error; // no memory for the copy
        }
    }
    catch (...) {
        return error;
    }
}

} // namespace tradecore::detail
