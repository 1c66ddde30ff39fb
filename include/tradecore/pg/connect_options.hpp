// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace tradecore::pg {

/// Where and as whom to connect, and how the session begins.
struct connect_options {
    /// A host name or address, or the folder of a Unix socket when it begins with '/'.
    std::string host;
    std::uint16_t port = 5432;
    std::string user;
    /// Never logged.
    std::string password;
    /// The user's name when empty, as the server has it.
    std::string database;
    std::string application_name = "tradecore";
    /// Limit over resolving, connecting and authenticating together.
    std::chrono::milliseconds connect_timeout{10'000};
    /// The server's `statement_timeout`, sent with the start-up message; 0 leaves the server's own.
    std::chrono::milliseconds statement_timeout{0};
    /// Further run-time parameters for the start-up message, such as `search_path`.
    std::map<std::string, std::string> settings;
    /// How many prepared statements a connection keeps.
    std::size_t statement_cache_size = 256;

    /// Reads a connection URI (`postgresql://user:password@host:port/database?key=value`) or a
    /// keyword/value string (`host=… user=…`), as libpq documents them ("Connection Strings").
    /// @throws std::invalid_argument naming the keyword or the part that is wrong; the message never
    ///         contains the password.
    [[nodiscard]] static connect_options parse(std::string_view dsn);

    /// @returns "host:port/database as user", without secrets, for messages.
    [[nodiscard]] std::string describe() const;
};

} // namespace tradecore::pg
