// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "embedded/account.hpp"
#include "embedded/process.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::embedded {

/// What: the private folder. The caller owns it; the server's user may pass through it, and writes only in its own
/// subfolders. So root never writes where somebody else could have put a link.
class private_folder {
public:
    /// What: makes or checks the folder and takes its lock, which ends with this object or the program.
    /// Errors: `folder_in_use`; `error` when the folder is not ours to use.
    private_folder(std::filesystem::path root, const account& caller);

    /// What: lets the server's user pass through, and makes its subfolders.
    void admit(const account& server);

    /// Returns: the version that made the data, or nothing when there are none yet.
    [[nodiscard]] std::optional<int> data_version() const;

    /// What: an empty folder for initdb, in place of one that was not finished; `adopt_data` makes it the data folder.
    std::filesystem::path fresh_data_folder(const account& server) const;
    void adopt_data(const std::filesystem::path& fresh) const;

    /// What: a folder for the socket that only the server's user can enter: inside this one, or, where its path is too
    /// long for a socket, a fresh one in the run-time folder or /tmp, remembered for the next start.
    std::filesystem::path socket_folder(const account& server, std::uint16_t port) const;
    void drop_socket_folder(const std::filesystem::path& used) const noexcept;

    /// What: writes one of our own files, readable by the server's user.
    void write(std::string_view name, std::string_view text) const;

    /// What: opens one of our own log files, emptied.
    [[nodiscard]] descriptor open_log(std::string_view name) const;

    [[nodiscard]] const std::filesystem::path& root() const noexcept { return root_; }
    [[nodiscard]] std::filesystem::path data() const { return root_ / "data"; }
    [[nodiscard]] std::filesystem::path unfinished_data() const { return root_ / "data.unfinished"; }

    /// Returns: the last lines of our log and of the server's newest one, for an error message.
    [[nodiscard]] std::string log_tail(std::string_view name) const;

private:
    std::filesystem::path root_;
    account caller_;
    gid_t group_;
    descriptor lock_;
};

/// What a server says about itself in `postmaster.pid`.
struct postmaster_file {
    pid_t process = 0;
    bool ready = false;
};

std::optional<postmaster_file> read_postmaster_file(const std::filesystem::path& data);
std::optional<postmaster_file> parse_postmaster_file(std::string_view text);

} // namespace tradecore::embedded
