// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tradecore::embedded {

/// What: how an embedded server is made and run. The defaults are those of a private, safe, socket-only server.
struct options {
    /// The private folder; everything of the server lives in it. Empty: `default_folder()`. A folder that does not
    /// exist is made; one that exists must be empty or have been made by an embedded server.
    std::filesystem::path folder;

    /// Where `postgres` and `initdb` are. Empty: the newest installed version, or the one the folder was made with.
    std::filesystem::path programs;

    unsigned max_connections = 100;

    /// Further settings of postgresql.conf, by name; they win over ours.
    std::map<std::string, std::string> settings;

    /// Also listen on 127.0.0.1, passwords by SCRAM-SHA-256 only. 0 picks a free port. Meant for tests.
    std::optional<std::uint16_t> tcp_port;

    /// Lines put before ours in pg_hba.conf. Meant for tests.
    std::vector<std::string> hba_lines;

    /// How long the server may take to get ready (recovery after a crash included) and to shut down before it is told
    /// to stop at once.
    std::chrono::seconds start_limit{120};
    std::chrono::seconds stop_limit{30};
};

/// What: the folder used when none is named: `/var/lib/tradecore` for root, else `$XDG_DATA_HOME/tradecore` or
/// `~/.local/share/tradecore`.
/// Errors: `error` when there is no home directory.
[[nodiscard]] std::filesystem::path default_folder();

} // namespace tradecore::embedded
