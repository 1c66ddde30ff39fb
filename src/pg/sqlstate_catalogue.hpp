// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/server_error.hpp>

#include <exception>
#include <memory>
#include <span>
#include <string_view>

namespace tradecore::pg::detail {

/// A SQLSTATE, its name, and how its exception is made.
struct catalogue_entry {
    int value;
    std::string_view name;
    std::exception_ptr (*make)(std::shared_ptr<const diagnostics>, std::string_view);
};

template <class Error>
std::exception_ptr make_typed(std::shared_ptr<const diagnostics> said, std::string_view statement)
{
    return std::make_exception_ptr(Error(std::move(said), statement));
}

/// @returns every SQLSTATE PostgreSQL names, sorted by value.
[[nodiscard]] std::span<const catalogue_entry> sqlstate_catalogue() noexcept;

/// @returns the entry of `code`, else of its class, else nothing.
[[nodiscard]] const catalogue_entry* find_in_catalogue(sqlstate code) noexcept;

} // namespace tradecore::pg::detail
