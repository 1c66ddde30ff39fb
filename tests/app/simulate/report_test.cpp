// SPDX-License-Identifier: Apache-2.0
#include "simulate/report.hpp"

#include <gtest/gtest.h>

namespace {

using namespace tradecore::app;
using namespace std::chrono_literals;
using simulate::report;
using simulate::sync_figures;

TEST(sync_figures, are_nearest_ranks_of_the_waits)
{
    std::vector<std::chrono::nanoseconds> waits(200);
    for (int i = 0; i < 200; ++i)
        waits[static_cast<std::size_t>(i)] = std::chrono::milliseconds(200 - i);
    const auto figures = sync_figures::of(waits, 3, 0.25);
    EXPECT_EQ(figures.p50, 100ms);
    EXPECT_EQ(figures.p99, 198ms);
    EXPECT_EQ(figures.max, 200ms);
    EXPECT_EQ(figures.pending, 3U);
    EXPECT_EQ(figures.rate, 0.25);
}

TEST(sync_figures, of_one_wait_are_that_wait_and_of_none_are_zero)
{
    const auto one = sync_figures::of({7ms}, 0, 0);
    EXPECT_EQ(one.p50, 7ms);
    EXPECT_EQ(one.p99, 7ms);
    EXPECT_EQ(sync_figures::of({}, 0, 0).max, 0ms);
}

report with_checks(bool second)
{
    report made;
    made.commands = 300;
    made.took = 2s;
    made.checks = {{"streams main", true, "fine"}, {"money main", second, "off by 0.00000001"}};
    return made;
}

TEST(report, is_ok_only_when_every_check_is)
{
    EXPECT_TRUE(with_checks(true).ok());
    EXPECT_FALSE(with_checks(false).ok());
    EXPECT_FALSE(report{}.ok()) << "a run without checks proves nothing";
}

TEST(report, names_the_workers_only_when_there_are_several)
{
    auto made = with_checks(true);
    made.commands_by_worker = {300};
    EXPECT_EQ(to_text(made).find("workers"), std::string::npos) << to_text(made);
    EXPECT_EQ(to_json(made).at("workers").as_uint64(), 1U);
    made.commands_by_worker = {100, 200};
    EXPECT_NE(to_text(made).find("by 2 workers: 100, 200"), std::string::npos) << to_text(made);
    EXPECT_EQ(to_json(made).at("workers").as_uint64(), 2U);
    EXPECT_EQ(to_json(made).at("commands_by_worker").as_array().size(), 2U);
}

TEST(report, tells_what_went_wrong_on_purpose_when_something_did)
{
    auto made = with_checks(true);
    EXPECT_EQ(to_text(made).find("chaos"), std::string::npos) << to_text(made);
    EXPECT_FALSE(to_json(made).contains("chaos"));
    made.chaos = simulate::chaos_report{
        .done = {.done = {{chaos::act::end_sessions, 12}, {chaos::act::silence, 1}}, .steps = 10, .planned = 11},
        .outlasted = {.calls = 3, .attempts = 5, .longest = 1'500ms},
        .repeated_by_databases = 7,
        .lost_commits = {.resolved = 4, .unknown = 2}};
    const auto text = to_text(made);
    for (const auto* part :
         {"10 of 11 steps: 12 sessions ended together, 1 silences", "3 calls were tried 5 times again",
          "7 times by the databases", "4 lost COMMITs were found out, 2 were not", "took 1.5 s"})
        EXPECT_NE(text.find(part), std::string::npos) << part << '\n' << text;
    const auto told = to_json(made).at("chaos").as_object();
    EXPECT_EQ(told.at("done").at("sessions_ended_together").as_uint64(), 12U);
    EXPECT_EQ(told.at("longest_call_ms").as_double(), 1'500.0);
    EXPECT_EQ(told.at("commits_unknown").as_uint64(), 2U);
}

TEST(report, shows_a_failed_check_in_both_forms)
{
    const auto failed = with_checks(false);
    EXPECT_NE(to_text(failed).find("FAILED money main: off by 0.00000001"), std::string::npos) << to_text(failed);
    const auto json = to_json(failed);
    EXPECT_FALSE(json.at("ok").as_bool());
    EXPECT_FALSE(json.at("checks").at(1).at("ok").as_bool());
    EXPECT_EQ(json.at("commands_per_s").as_double(), 150.0);
}

} // namespace
