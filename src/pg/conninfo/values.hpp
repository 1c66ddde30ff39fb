// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tradecore::pg::conninfo {

/// What was said about a keyword, and where, for messages: "connection string", "environment variable PGPORT".
struct value {
    std::string text;
    std::string origin;
};

/// By keyword.
using values = std::map<std::string, value, std::less<>>;

inline constexpr std::string_view connection_string = "connection string";

/// @throws std::invalid_argument "origin: reason".
[[noreturn]] inline void refuse(std::string_view origin, std::string_view reason)
{
    throw std::invalid_argument(std::string(origin) + ": " + std::string(reason));
}

/// @returns what a message calls a keyword that is not known: by its name when that looks like one, for everything else
///          may be a piece of a password that was not quoted.
[[nodiscard]] std::string name_unknown(std::string_view keyword);

/// Stores what a connection string says; later wins. `requiressl`, the old way to ask for TLS, becomes `sslmode`.
/// @returns whether the keyword is known.
[[nodiscard]] bool store(values& to, std::string_view keyword, std::string text);

} // namespace tradecore::pg::conninfo
