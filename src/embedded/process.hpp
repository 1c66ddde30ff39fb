// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "embedded/account.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace tradecore::embedded {

/// A file descriptor that closes itself.
class descriptor {
public:
    descriptor() = default;
    explicit descriptor(int value) noexcept : value_{value} {}
    ~descriptor() { reset(); }
    descriptor(descriptor&& other) noexcept : value_{std::exchange(other.value_, -1)} {}
    descriptor& operator=(descriptor&& other) noexcept
    {
        if (this != &other) {
            reset();
            value_ = std::exchange(other.value_, -1);
        }
        return *this;
    }

    [[nodiscard]] int get() const noexcept { return value_; }
    explicit operator bool() const noexcept { return value_ >= 0; }
    void reset() noexcept;

private:
    int value_ = -1;
};

/// A program to run: no shell, a clean environment, its own session, no open files but the three standard ones.
struct command {
    std::vector<std::string> arguments; ///< the first is the program's path
    std::filesystem::path folder;       ///< where it runs
    std::optional<account> user;        ///< who it runs as, when not the caller
    int output = -1;                    ///< standard output and error; -1: /dev/null
    int signal_at_parents_end = 0;      ///< sent to it when the thread that started it ends; 0: none
};

/// What: starts a program. Returns: its process id, once it is known that the program runs.
/// Errors: `error` with what failed.
pid_t spawn(const command& what);

/// What: runs a program to its end. Returns: what it wrote. Errors: `error` when it cannot be run.
std::string output_of(command what);

/// How a child ended: text for people, such as `exit status 1` or `signal 9`.
std::string describe_status(int status);

/// A handle on a process that becomes readable for poll(2) when the process ends; empty where the kernel has none.
descriptor watch(pid_t process);

/// What: waits until a child ended. Returns: its status, or nothing when the time is over.
std::optional<int> wait_child(pid_t child, std::chrono::steady_clock::time_point deadline);

/// What: waits until a process, not necessarily a child, is gone. Returns: false when the time is over first.
bool wait_gone(pid_t process, std::chrono::steady_clock::time_point deadline);

/// What: the processes whose current folder is this one; a PostgreSQL server and all its children stay in the data
/// folder.
std::vector<pid_t> processes_in(const std::filesystem::path& folder);

} // namespace tradecore::embedded
