// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace tradecore::pg {

/// What NOTIFY sent.
struct notification {
    std::string channel;
    std::string payload;
    /// The server process of the session that sent it.
    std::int32_t backend_pid = 0;
    /// How many before it were dropped because the queue was full and nobody took them.
    std::uint64_t missed = 0;
};

} // namespace tradecore::pg
