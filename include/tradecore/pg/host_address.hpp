// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace tradecore::pg {

/// One server of the list that is tried.
struct host_address {
    /// A name, an address, or the folder of a Unix socket: what begins with '/', or with '@' for Linux's
    /// abstract name space. Certificates and the password file are checked against this name.
    std::string host{};
    /// The numeric address behind `host`; when given, no name is resolved. Without `host` it takes its place.
    std::string hostaddr{};
    /// For a Unix socket, the number at the end of the file's name.
    std::uint16_t port = 5432;

    /// @returns whether the connection goes through a Unix socket; with a numeric address it never does.
    [[nodiscard]] bool is_unix_socket() const noexcept
    {
        return hostaddr.empty() && (host.starts_with('/') || host.starts_with('@'));
    }
    /// @returns the name to show and to look up: `host`, or else `hostaddr`.
    [[nodiscard]] const std::string& name() const noexcept { return host.empty() ? hostaddr : host; }

    friend bool operator==(const host_address&, const host_address&) = default;
};

/// Which servers of the list will do (PostgreSQL documentation, libpq's `target_session_attrs`).
enum class target_session_attributes : std::uint8_t {
    any,
    /// Transactions write unless they say otherwise.
    read_write,
    read_only,
    /// Not in recovery.
    primary,
    /// In hot standby.
    standby,
    /// A standby, or when no host of the list is one, any.
    prefer_standby,
};

/// In which order the hosts, and the addresses of each, are tried (libpq's `load_balance_hosts`).
enum class load_balance : std::uint8_t {
    /// As they are written.
    disable,
    random,
};

} // namespace tradecore::pg
