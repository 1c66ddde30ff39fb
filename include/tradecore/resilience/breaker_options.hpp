// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace tradecore::resilience {

/// When a circuit breaker opens, and how it finds out that it may close.
struct breaker_options {
    /// So many failures without a success between them open it; at least 1.
    unsigned failure_threshold = 5;
    /// Connections lost within this time of the first are one failure: a server that restarts drops all of
    /// them at once, and is back before anybody needs protection. 0 counts each.
    std::chrono::milliseconds burst{100};
    /// How long a probe may take before it counts as failed; at most 5 s.
    std::chrono::milliseconds probe_timeout{5'000};
    /// How long it is open before the first background probe. The time doubles from one failed probe to the
    /// next up to the limit, and up to a quarter of it is added at random.
    std::chrono::milliseconds background_probe{1'000};
    std::chrono::milliseconds background_probe_limit{5'000};
    /// A caller who comes so long after it opened, or after the last failed probe of a caller began, is the
    /// next probe; not below `probe_timeout`.
    std::chrono::milliseconds caller_probe{30'000};

    /// @throws std::invalid_argument naming the member that makes no sense.
    void validate() const;
};

} // namespace tradecore::resilience
