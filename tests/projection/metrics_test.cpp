// SPDX-License-Identifier: Apache-2.0
#include <tradecore/projection/metrics.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace tradecore::projection {
namespace {

using testing::HasSubstr;

TEST(projection_metrics, tell_of_lag_and_failures)
{
    engine_stats figures;
    figures.applied = 7;
    figures.parked = 3;
    figures.retried = 2;
    figures.dead = 1;
    figures.outages = 4;
    figures.sync_done = 5;
    figures.sync_pending = 6;
    figures.lag = 12;
    observe::metrics all;
    write_metrics(all, "orders", figures);
    write_metrics(all, "audit", engine_stats());
    const auto text = all.text();
    for (const auto* line :
         {"tradecore_projection_lag{projection=\"orders\"} 12\n", "tradecore_projection_lag{projection=\"audit\"} 0\n",
          "tradecore_projection_events_total{projection=\"orders\"} 7\n",
          "tradecore_projection_failures_total{projection=\"orders\",outcome=\"parked\"} 3\n",
          "tradecore_projection_failures_total{projection=\"orders\",outcome=\"retried\"} 2\n",
          "tradecore_projection_failures_total{projection=\"orders\",outcome=\"dead\"} 1\n",
          "tradecore_projection_outages_total{projection=\"orders\"} 4\n",
          "tradecore_projection_sync_total{projection=\"orders\",outcome=\"done\"} 5\n",
          "tradecore_projection_sync_total{projection=\"orders\",outcome=\"pending\"} 6\n"})
        EXPECT_THAT(text, HasSubstr(line));
}

} // namespace
} // namespace tradecore::projection
