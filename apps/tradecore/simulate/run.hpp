// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "simulate/options.hpp"
#include "simulate/report.hpp"

#include <tradecore/db/configuration.hpp>

#include <stdexcept>

namespace tradecore::app::simulate {

/// What: a signal asked the program to end; the databases are as they were then, and the same run can go on.
class interrupted : public std::runtime_error {
public:
    explicit interrupted(int signal) : std::runtime_error("interrupted"), signal_(signal) {}

    [[nodiscard]] int signal() const noexcept { return signal_; }

private:
    int signal_;
};

/// What: runs a whole simulation: prices, databases, traders, projections, checks. Blocks; runs an event loop of its
///   own and takes SIGINT and SIGTERM meanwhile. With several workers it forks, so the process has one thread then.
/// Errors: market::price_error before anything is done; configuration_error; embedded::error; interrupted;
///   std::runtime_error that names the worker that failed; what the databases throw.
[[nodiscard]] report run(const options& wanted, const environment& from);

} // namespace tradecore::app::simulate
