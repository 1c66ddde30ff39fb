// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/observe/metrics.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <functional>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <vector>

namespace tradecore {

/// The metrics of databases for prometheus-cpp's own HTTP server, which asks on threads of its own:
///
///     prometheus::Exposer exposer("127.0.0.1:9464");
///     auto figures = std::make_shared<tradecore::metrics_collectable>(context.get_executor());
///     exposer.RegisterCollectable(figures);
///
/// Thread safety: `Collect` may be called by any thread but those that run the executor, where it would wait for
/// itself. Lifetimes: as of its executor's context.
class metrics_collectable final : public prometheus::Collectable {
public:
    /// @param executor the one that the databases run on.
    /// @param write what is told; all databases when empty. Runs on the executor.
    /// @param limit how long to wait for the executor to get to it.
    explicit metrics_collectable(
        boost::asio::any_io_executor executor, std::function<void(observe::metrics&)> write = {},
        std::chrono::milliseconds limit = std::chrono::seconds(1));

    /// @returns the figures; nothing when the executor did not get to it in time, or writing them threw, which is
    /// logged.
    [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

private:
    boost::asio::any_io_executor executor_;
    std::function<void(observe::metrics&)> write_;
    std::chrono::milliseconds limit_;
};

} // namespace tradecore
