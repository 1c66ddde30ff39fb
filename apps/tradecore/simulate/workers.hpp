// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "market/price_series.hpp"
#include "simulate/figures.hpp"
#include "simulate/options.hpp"
#include "simulate/worker_process.hpp"

#include <tradecore/db/configuration.hpp>

#include <boost/asio/awaitable.hpp>

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tradecore::app::simulate {

/// What: the processes that share the traders of a simulation. Each has pools of its own and runs its traders with all
///   that their answers wait for; relays and ASYNC projections are left to the process that made them, because the
///   place in a log that these keep is moved by one at a time.
/// Thread safety: none.
class workers {
public:
    /// What: starts the processes, which wait; as `worker_process`, before there is an event loop or a database.
    /// Params: `wanted.workers` is how many; `max_fill` as of `systems`. Everything is copied by the kernel.
    /// Errors: std::system_error when the system has no room for them.
    workers(
        const options& wanted, const market::price_series& prices, domain::quantity max_fill, const environment& from);

    /// What: lets them trade until all have ended. Once only.
    /// Params: `variables` go before their environment; `on_order` is told after each order.
    /// Errors: std::runtime_error that names the first worker that fails and says how. The others end with this object.
    [[nodiscard]] boost::asio::awaitable<void>
    run(std::map<std::string, std::string> variables, std::function<void()> on_order);

    /// What: what each of them did; complete when `run` has ended.
    [[nodiscard]] const std::vector<figures>& made() const noexcept { return made_; }

private:
    [[nodiscard]] boost::asio::awaitable<void>
    follow(std::size_t index, std::string start, std::function<void()> on_order);

    std::deque<worker_process> processes_;
    std::vector<figures> made_;
};

} // namespace tradecore::app::simulate
