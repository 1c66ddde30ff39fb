// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/child_process.hpp"
#include "support/postgres.hpp"
#include "support/test_server.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace tradecore::test {

/// A PgBouncer of the test's own in front of the test server, with a database of its own behind it: one server
/// connection for all clients, given to another client after each transaction. Whoever comes from this machine is let
/// in.
class pgbouncer {
public:
    /// @param settings further lines for its configuration.
    explicit pgbouncer(const std::vector<std::string>& settings = {});

    /// Kills it, and starts it again at the same place.
    void stop();
    void start();

    /// @returns where it listens (a Unix socket), with its database.
    [[nodiscard]] std::string dsn() const;

private:
    temporary_folder folder_;
    std::filesystem::path configuration_;
    scratch_database database_{"pooled"}; // dropped when nobody is connected to it any more
    std::unique_ptr<child_process> process_;
};

} // namespace tradecore::test
