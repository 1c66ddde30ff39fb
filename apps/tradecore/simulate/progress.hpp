// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>

namespace tradecore::app::simulate {

/// What: says on standard error how far the orders are: a bar on a terminal, a line for each tenth elsewhere.
/// Thread safety: none.
class progress {
public:
    explicit progress(std::uint64_t total);
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;
    progress(progress&&) = delete;
    progress& operator=(progress&&) = delete;
    ~progress();

    void step();

private:
    void draw();

    std::uint64_t total_;
    std::uint64_t done_ = 0;
    std::uint64_t told_tenths_ = 0;
    bool terminal_;
    std::chrono::steady_clock::time_point drawn_{};
};

} // namespace tradecore::app::simulate
