// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

namespace tradecore::app::simulate {

/// What: counts, while it lives, what databases tell the log of COMMITs whose answer was lost. What is logged is
/// written
///   as ever.
/// Thread safety: one thread makes and ends it; others may log meanwhile.
class lost_commits {
public:
    struct counts {
        std::uint64_t resolved = 0; ///< it was found out what they did
        std::uint64_t unknown = 0;
    };

    lost_commits();
    ~lost_commits();
    lost_commits(const lost_commits&) = delete;
    lost_commits& operator=(const lost_commits&) = delete;
    lost_commits(lost_commits&&) = delete;
    lost_commits& operator=(lost_commits&&) = delete;

    [[nodiscard]] counts seen() const noexcept;

private:
    struct state;
    std::shared_ptr<state> state_;
};

} // namespace tradecore::app::simulate
