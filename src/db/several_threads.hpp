// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace tradecore::detail {

/// As long as there is one, `with_timeout` and `when_all` expect that several threads run their executor.
class several_threads {
public:
    several_threads() noexcept;
    several_threads(const several_threads&) = delete;
    several_threads& operator=(const several_threads&) = delete;
    several_threads(several_threads&&) = delete;
    several_threads& operator=(several_threads&&) = delete;
    ~several_threads();
};

} // namespace tradecore::detail
