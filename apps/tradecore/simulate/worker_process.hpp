// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>

namespace tradecore::app::simulate {

/// What: a part of the program in a process of its own: a fork that does one thing and ends, joined to this process by
///   a socket.
///
/// It never outlives this process: the kernel kills it with it, and the destructor does. SIGINT and SIGTERM, which a
/// terminal or a service manager sends to all processes at once, it ignores: what becomes of it is decided here.
/// Only a process of one thread may make one, before it has an event loop or a database.
/// Thread safety: none. Source: fork(2), prctl(2).
class worker_process {
public:
    /// What: starts it.
    /// Params: `name` is for messages; `body` runs there with its end of the socket, which it reads and writes by
    ///   blocking calls, and returns the exit status; what it throws is status 1.
    /// Errors: std::system_error when the system has no room for it.
    worker_process(std::string name, const std::function<int(int channel)>& body);
    /// Kills it when it still runs.
    ~worker_process();
    worker_process(const worker_process&) = delete;
    worker_process& operator=(const worker_process&) = delete;
    worker_process(worker_process&&) = delete;
    worker_process& operator=(worker_process&&) = delete;

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

    /// What: our end of the socket, which is now the caller's to close. It ends with the process.
    [[nodiscard]] int take_channel() noexcept;

    /// What: waits for its end. Blocks: ask when the socket has ended. Once only.
    /// Returns: nothing after exit status 0, else what happened: "ended with status 3".
    [[nodiscard]] std::optional<std::string> wait();

    /// What: for a later fork of this process: lets go of what belongs to its parent.
    void disown() noexcept;

private:
    std::string name_;
    pid_t pid_ = 0;
    int channel_ = -1;
};

} // namespace tradecore::app::simulate
