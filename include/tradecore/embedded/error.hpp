// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>
#include <sys/types.h>

namespace tradecore::embedded {

/// What: the server could not be found, made, started or stopped; `what()` names the folder and the reason.
class error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What: another program uses the folder.
class folder_in_use : public error {
public:
    folder_in_use(const std::string& what, pid_t holder) : error{what}, holder_{holder} {}

    /// Returns: the other program's process id, or 0 when it is not known.
    [[nodiscard]] pid_t holder() const noexcept { return holder_; }

private:
    pid_t holder_;
};

} // namespace tradecore::embedded
