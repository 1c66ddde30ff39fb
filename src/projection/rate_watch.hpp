// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/projection/projections.hpp>

#include <cstdint>
#include <optional>

namespace tradecore::projection {

/// Counts how many appends made their caller wait, and notices when they become too many.
class rate_watch {
public:
    rate_watch(double limit, std::uint64_t after_events) : limit_(limit), after_events_(after_events) {}

    /// Counts one append of `events` events.
    /// @returns the rate, when it is above the limit, and was not yet told of since it was last a tenth below it.
    [[nodiscard]] std::optional<double> count(std::uint64_t events, bool waited);
    [[nodiscard]] sync_rate figures() const noexcept { return figures_; }

private:
    double limit_;
    std::uint64_t after_events_;
    sync_rate figures_;
    bool told_ = false;
};

} // namespace tradecore::projection
