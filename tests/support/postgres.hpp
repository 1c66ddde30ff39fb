// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tradecore::test {

/// The PostgreSQL server integration tests share. Under ctest it is started once for all of them
/// (TRADECORE_TEST_POSTGRES names its folder). TRADECORE_TEST_DSN and TRADECORE_TEST_TCP_DSN name another one. With
/// neither, the first call starts a server for this process alone.
///
/// Roles, all superusers:
///   tradecore    over the socket, peer: what dsn() uses
///   tc_scram     over TCP only, SCRAM-SHA-256, password scram_password: what tcp_dsn() uses
///   tc_trust     over both, no password asked
///   tc_password  over TCP, clear-text password scram_password
///   tc_md5       over TCP, MD5 password scram_password
///   tc_reject    refused everywhere
inline constexpr std::string_view scram_role = "tc_scram";
inline constexpr std::string_view scram_password = "scram pass ☃";

/// URI of a database, over the Unix socket.
std::string dsn(std::string_view database = "postgres");

/// URI of a database, over TCP.
std::string tcp_dsn(std::string_view database = "postgres");

/// URI of a database, over TCP, for another role; an empty password is left out.
std::string tcp_dsn_for(std::string_view role, std::string_view password, std::string_view database = "postgres");

/// Folder of the server's socket, and its port (one number for socket and TCP).
std::string socket_folder();
std::uint16_t port();

/// The URI with another database in it.
std::string with_database(std::string_view uri, std::string_view database);

/// Text as a part of a URI.
std::string percent_encoded(std::string_view text);

/// Runs SQL through libpq, for set-up and as an oracle. Returns the first value of the last result, empty when there is
/// none or it is NULL. Throws std::runtime_error with the server's message.
std::string run_sql(const std::string& uri, const std::string& sql);

/// A database of its own for one test: made now, dropped (with everybody in it) at the end.
class scratch_database {
public:
    explicit scratch_database(std::string_view hint = "test");
    ~scratch_database();
    scratch_database(const scratch_database&) = delete;
    scratch_database& operator=(const scratch_database&) = delete;

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] std::string dsn() const { return test::dsn(name_); }
    [[nodiscard]] std::string tcp_dsn() const { return test::tcp_dsn(name_); }

    /// As run_sql, in this database.
    std::string run(const std::string& sql) const { return run_sql(dsn(), sql); }

private:
    std::string name_;
};

} // namespace tradecore::test
