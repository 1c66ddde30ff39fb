// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

namespace tradecore::test {

/// A program under test with its output caught.
class child_process {
public:
    struct outcome {
        int status = 0; ///< exit status; 128 + n when ended by signal n
        std::string out;
        std::string err;
    };

    /// Starts it. `environment` is added to ours, an empty value takes a variable away.
    child_process(std::vector<std::string> command, const std::map<std::string, std::string>& environment = {});
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;
    child_process(child_process&&) = delete;
    child_process& operator=(child_process&&) = delete;
    /// Kills it when it still runs.
    ~child_process();

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    /// Reads its standard error until a line contains `text` or it has ended.
    /// @returns whether the text came.
    bool wait_for_line(const std::string& text);
    /// What has been read of its standard error.
    [[nodiscard]] const std::string& error_so_far() const noexcept { return so_far_.err; }
    void send(int signal) const;
    /// Waits for its end.
    outcome wait();

private:
    bool read_some();

    pid_t pid_ = -1;
    int out_ = -1;
    int err_ = -1;
    outcome so_far_;
};

/// Runs a program to its end.
child_process::outcome
run_program(std::vector<std::string> command, const std::map<std::string, std::string>& environment = {});

} // namespace tradecore::test
