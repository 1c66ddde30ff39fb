// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "projection/engine_state.hpp"

#include <chrono>
#include <exception>
#include <limits>
#include <memory>
#include <string_view>

namespace tradecore::projection {

/// Lets a worker wait while the infrastructure fails, and says so once per outage.
class outage_watch {
public:
    /// @param worker a literal, for the log.
    outage_watch(std::shared_ptr<engine_state> self, std::string_view worker);

    /// @param limit so many failures in a row are too many.
    /// @returns how long to wait before trying again.
    /// @throws the error itself when waiting does not help, or it is one too many.
    [[nodiscard]] std::chrono::milliseconds
    failed(const std::exception_ptr& error, int limit = std::numeric_limits<int>::max());
    void succeeded();

private:
    std::shared_ptr<engine_state> self_;
    std::string_view worker_;
    int failures_ = 0;
};

} // namespace tradecore::projection
