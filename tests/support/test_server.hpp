// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/embedded/server.hpp>

#include <filesystem>
#include <string>

namespace tradecore::test {

/// Where tests make their folders: in memory if there is plenty of it, since a database is hundreds of files that are
/// made and removed for each test, else in /tmp. Even the server's user gets in when root runs the tests, which is not
/// so for every build folder.
[[nodiscard]] const std::filesystem::path& temporary_root();

/// A folder in it that is removed at the end.
class temporary_folder {
public:
    temporary_folder();
    ~temporary_folder();
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

/// The embedded server as the tests want it: a TCP listener, the roles of postgres.hpp, and no waiting for the disk.
class test_server {
public:
    test_server();

    [[nodiscard]] std::string dsn() const { return server_.dsn(); }
    [[nodiscard]] std::string tcp_dsn() const;
    embedded::server& server() noexcept { return server_; }

private:
    temporary_folder folder_;
    embedded::server server_;
};

} // namespace tradecore::test
