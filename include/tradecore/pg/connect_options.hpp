// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/authentication_options.hpp>
#include <tradecore/pg/environment.hpp>
#include <tradecore/pg/host_address.hpp>
#include <tradecore/pg/tcp_options.hpp>
#include <tradecore/pg/tls_options.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tradecore::pg {

class tracer;
class type_registry;

/// Whether statements are prepared under names and used again.
enum class prepared_statements : std::uint8_t {
    named,
    /// Each is parsed anew, and start-up asks for nothing unusual, so that a pooler may give every transaction
    /// another server connection (PgBouncer's transaction pooling).
    unnamed,
};

/// The greatest `statement_timeout` that a server takes: its settings are 32-bit integers.
inline constexpr std::chrono::milliseconds longest_statement_timeout{std::numeric_limits<std::int32_t>::max()};

/// Where and as whom to connect, and how the session begins.
///
/// A value: copies share nothing but `provide_password` and `trace`. Filled by `parse`, or member by member; then
/// `hosts` and `user` must be given, and nothing is taken from environment, service file or home folder.
struct connect_options {
    /// Tried in this order, or as `load_balancing` says, until one will do.
    std::vector<host_address> hosts;
    target_session_attributes target_session = target_session_attributes::any;
    load_balance load_balancing = load_balance::disable;

    std::string user;
    /// The user's name when empty, as the server has it.
    std::string database;

    /// For all hosts; empty when there is none. Never logged.
    std::string password;
    /// Asked when `password` is empty.
    password_provider provide_password;
    /// Looked into when neither of both gives a password, at each attempt, so that it may change. Ignored when the
    /// group or others may read it. Empty: none. (PostgreSQL documentation, "The Password File".)
    std::string passfile;
    required_authentication require_authentication;
    channel_binding_mode channel_binding = channel_binding_mode::prefer;
    /// Whether a password may be sent in clear text through a connection that is not encrypted.
    bool allow_cleartext_password = false;
    /// The operating system's name that the server's process must have, for Unix sockets; empty: any.
    std::string require_peer;
    /// SCRAM lets the server choose how much the client computes; more rounds than this are refused.
    std::uint32_t max_scram_iterations = 1'000'000;

    tls_options tls;
    tcp_options tcp;

    /// Limit for each host over resolving, connecting, TLS, authenticating and asking what kind of server it is.
    std::chrono::milliseconds connect_timeout{10'000};
    /// How long the end of a request to cancel is waited for before the connection is closed instead.
    std::chrono::milliseconds cancel_timeout{2'000};

    std::string application_name = "tradecore";
    /// Command-line options for the server's process, such as `-c geqo=off`, sent with the start-up message.
    std::string options;
    /// The server's `statement_timeout`, sent with the start-up message; 0 leaves the server's own, and
    /// `longest_statement_timeout` is the most.
    std::chrono::milliseconds statement_timeout{0};
    /// Further run-time parameters for the start-up message, such as `search_path`; it takes 10,000 bytes in all.
    /// Not for `user` and `database`, which have members of their own, nor for `client_encoding`, which is always UTF8,
    /// nor for `replication`, which is not supported.
    std::map<std::string, std::string> settings;

    pg::prepared_statements prepared_statements = pg::prepared_statements::named;
    /// How many prepared statements a connection keeps; 0: none.
    std::size_t statement_cache_size = 256;
    /// How many bytes of SQL text they may have together.
    std::size_t statement_cache_bytes = 4U << 20U;

    /// Told about messages and queries; null: nobody. Shared by all connections made with these options.
    std::shared_ptr<tracer> trace;
    /// What is known of types that are not built in; each connection finds out by itself when null. May be shared by
    /// connections to the same database, and by no others: every database numbers its types anew.
    std::shared_ptr<type_registry> types;

    /// Reads a connection URI (`postgresql://user:password@host:port/database?keyword=value`) or a keyword/value
    /// string (`host=… user=…`), as libpq does: what the string does not say, the service file says, then the
    /// environment (`PGHOST` …), then the defaults. The keywords are listed in `docs/driver.md`.
    /// @param dsn the string; may be empty.
    /// @returns complete options: at least one host, and a user.
    /// @throws std::invalid_argument naming the keyword or the part that is wrong; the message never
    ///         contains the password.
    /// Thread safety: reads the process's environment, which must not be changed meanwhile.
    /// Source: PostgreSQL documentation, "Connection Strings", "Parameter Key Words", "Environment Variables",
    ///         "The Connection Service File".
    [[nodiscard]] static connect_options parse(std::string_view dsn);
    /// The same with another environment; files are still read, at the places that it names.
    [[nodiscard]] static connect_options parse(std::string_view dsn, const environment& from);

    /// Checks what was put together by hand; `parse` and `connection::connect` do it.
    /// @throws std::invalid_argument naming the keyword: no host or user, a limit that is none, NUL in what is sent,
    ///         demands on TLS that contradict each other.
    void validate() const;

    /// @returns "host:port/database as user" with all hosts, without secrets, for messages.
    [[nodiscard]] std::string describe() const;
    /// The same for one host.
    [[nodiscard]] std::string describe(const host_address& host) const;
};

} // namespace tradecore::pg
