// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/embedded/error.hpp>
#include <tradecore/embedded/options.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace tradecore::embedded {

/// What: a PostgreSQL server of the program's own, in a private folder, reached over a Unix socket that only this user
/// can open. It is never run by root: root's server runs as the user `postgres`.
///
/// It ends with the program: on `stop()`, on destruction, and, because the kernel tells it, when the program is killed.
/// What a killed program left is taken over by the next `start()`. The role of `dsn()` is the superuser `tradecore`.
///
/// All calls block and run no event loop. Thread safety: one thread at a time; `start()` belongs on a thread that lives
/// as long as the server (the main thread), since the kernel takes the end of that thread for the end of the program.
/// Source: PostgreSQL 15 documentation, chapters 19 (server setup) and 21 (client authentication); prctl(2).
class server {
public:
    /// Does nothing yet but keep the options. Errors: `error` when a setting cannot be written to a configuration file.
    explicit server(options wanted = {});

    /// Stops the server; what goes wrong is logged.
    ~server();

    server(const server&) = delete;
    server& operator=(const server&) = delete;

    /// What: makes the folder when needed, takes its lock, stops what an earlier program left, starts the server, and
    /// returns when it takes connections. Errors: `folder_in_use`; `error` with the end of the server's log when it
    /// does not start in time.
    void start();

    /// What: disconnects everybody, shuts the server down and gives up the folder. Does nothing when it does not run.
    /// Errors: `error` when the server does not end.
    void stop();

    /// Returns: whether the server process is there.
    [[nodiscard]] bool running();

    /// Returns: the process id of the running server, else 0.
    [[nodiscard]] pid_t pid() const noexcept;

    /// Returns: a URI of a database on the running server.
    [[nodiscard]] std::string dsn(std::string_view database = "postgres") const;

    [[nodiscard]] const std::filesystem::path& folder() const noexcept;

    /// Returns: the folder of the socket, and the port that is part of its name (also the TCP port, when there is one).
    [[nodiscard]] const std::filesystem::path& socket_folder() const noexcept;
    [[nodiscard]] std::uint16_t port() const noexcept;

    /// Returns: the major version of the running server.
    [[nodiscard]] int major_version() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace tradecore::embedded
