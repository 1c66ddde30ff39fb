// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/connect_options.hpp>

#include <span>
#include <string>
#include <string_view>

namespace tradecore::pg::conninfo {

/// Options half read: the lists of hosts can only be put together when all of them are known.
struct draft {
    connect_options options;
    std::string hosts;
    std::string addresses;
    std::string ports;
    std::string fallback_application_name;
    bool ssl_mode_given = false;
};

/// A keyword of connection strings.
struct keyword {
    std::string_view name;
    /// The environment variable that stands in for it; empty when there is none.
    std::string_view variable;
    /// Takes the value over.
    /// @throws bad_value, or std::invalid_argument with a message that names the keyword itself.
    void (*apply)(draft& to, const std::string& text);
};

/// All that are understood: libpq's up to version 17 and this library's own.
[[nodiscard]] std::span<const keyword> keywords() noexcept;

/// @returns null when there is no such keyword.
[[nodiscard]] const keyword* find_keyword(std::string_view name) noexcept;

} // namespace tradecore::pg::conninfo
