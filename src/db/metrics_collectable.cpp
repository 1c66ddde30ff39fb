// SPDX-License-Identifier: Apache-2.0
#include <tradecore/db/metrics.hpp>
#include <tradecore/db/metrics_collectable.hpp>
#include <tradecore/observe/log.hpp>

#include <boost/asio/post.hpp>

#include <exception>
#include <future>
#include <memory>
#include <utility>

namespace tradecore {

using families = std::vector<prometheus::MetricFamily>;

metrics_collectable::metrics_collectable(
    boost::asio::any_io_executor executor, std::function<void(observe::metrics&)> write,
    std::chrono::milliseconds limit)
    : executor_(std::move(executor)), write_(std::move(write)), limit_(limit)
{
    if (!write_)
        write_ = [](observe::metrics& into) { write_metrics(into); };
}

families metrics_collectable::Collect() const
{
    const auto answer = std::make_shared<std::promise<families>>();
    auto figures = answer->get_future();
    boost::asio::post(executor_, [answer, write = write_] {
        try {
            observe::metrics all;
            write(all);
            answer->set_value(std::move(all).families());
        }
        catch (...) {
            answer->set_exception(std::current_exception());
        }
    });
    try {
        if (figures.wait_for(limit_) == std::future_status::ready)
            return figures.get();
        observe::log(observe::level::warn, "no metrics: the event loop is busy", {{"waited_ms", limit_.count()}});
    }
    catch (const std::exception& e) {
        observe::log(observe::level::warn, "no metrics", {{"error", e.what()}});
    }
    return {};
}

} // namespace tradecore
