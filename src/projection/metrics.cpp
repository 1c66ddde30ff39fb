// SPDX-License-Identifier: Apache-2.0
#include <tradecore/projection/metrics.hpp>
#include <tradecore/projection/projections.hpp>
#include <tradecore/projection/projector.hpp>

#include <cstdint>

namespace tradecore::projection {

void write_metrics(observe::metrics& into, std::string_view name, const engine_stats& of)
{
    into.gauge(
        "tradecore_projection_lag",
        "How far a projection was behind the end of the store when last looked at, in positions.",
        {{"projection", name}}, static_cast<double>(of.lag));
    into.counter(
        "tradecore_projection_events_total", "Events that were applied.", {{"projection", name}},
        static_cast<double>(of.applied));
    const auto streams = [&](std::string_view outcome, std::uint64_t times) {
        into.counter(
            "tradecore_projection_failures_total", "Streams with an event that failed, by what became of them.",
            {{"projection", name}, {"outcome", outcome}}, static_cast<double>(times));
    };
    streams("parked", of.parked);
    streams("retried", of.retried);
    streams("dead", of.dead);
    into.counter(
        "tradecore_projection_outages_total", "Batches and retries that met an outage of a database.",
        {{"projection", name}}, static_cast<double>(of.outages));
    const auto waited = [&](std::string_view outcome, std::uint64_t times) {
        into.counter(
            "tradecore_projection_sync_total",
            "Appends that waited for the projection, by whether it was done in time.",
            {{"projection", name}, {"outcome", outcome}}, static_cast<double>(times));
    };
    waited("done", of.sync_done);
    waited("pending", of.sync_pending);
}

void write_metrics(observe::metrics& into, const projections& of)
{
    for (const auto& each : of.engines())
        write_metrics(into, each->projected().name(), each->stats());
}

} // namespace tradecore::projection
