// SPDX-License-Identifier: Apache-2.0
#include "db/read_freshness.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <vector>

namespace tradecore::detail {
namespace {

using namespace std::chrono_literals;
using approach = read_freshness::approach;
using resilience::time_point;

constexpr time_point start{1h};
constexpr std::int64_t cluster = 7;

constexpr log_position at(std::uint64_t location, std::uint32_t timeline = 1)
{
    return {.cluster = cluster, .timeline = timeline, .location = location};
}

pg::host_address host(std::uint16_t port)
{
    return {.host = "standby", .hostaddr = {}, .port = port};
}

TEST(read_freshness, takes_a_standby_that_has_come_to_a_place_for_as_new_as_the_question_for_it)
{
    read_freshness known;
    EXPECT_EQ(known.has_all_before(at(100)), std::nullopt);
    known.primary_was(start, at(100));
    EXPECT_EQ(known.has_all_before(at(99)), std::nullopt);
    EXPECT_EQ(known.has_all_before(at(100)), start);
    EXPECT_EQ(known.has_all_before(at(101)), start);
}

TEST(read_freshness, counts_the_latest_place_that_was_reached)
{
    read_freshness known;
    known.primary_was(start, at(100));
    known.primary_was(start + 1s, at(200));
    known.primary_was(start + 2s, at(300));
    EXPECT_EQ(known.has_all_before(at(250)), start + 1s);
    known.primary_was(start + 3s, at(300)); // idle
    EXPECT_EQ(known.has_all_before(at(300)), start + 3s);
}

TEST(read_freshness, takes_an_answer_that_was_overtaken_for_nothing)
{
    read_freshness known;
    known.primary_was(start + 1s, at(100));
    known.primary_was(start, at(50));
    EXPECT_EQ(known.has_all_before(at(70)), std::nullopt);
    EXPECT_EQ(known.has_all_before(at(100)), start + 1s);
}

TEST(read_freshness, proves_nothing_across_clusters_and_timelines)
{
    read_freshness known;
    known.primary_was(start, at(100, 2));
    EXPECT_EQ(known.has_all_before(at(500, 1)), std::nullopt) << "it follows a primary that was left";
    EXPECT_EQ(known.has_all_before(at(500, 3)), std::nullopt);
    EXPECT_EQ(known.has_all_before({.cluster = 8, .timeline = 2, .location = 500}), std::nullopt);
    EXPECT_EQ(known.has_all_before(at(500, 2)), start);
}

TEST(read_freshness, begins_anew_with_a_new_primary_and_does_not_listen_to_the_old_one)
{
    read_freshness known;
    known.primary_was(start, at(100, 1));
    known.primary_was(start + 1s, at(90, 2));
    EXPECT_EQ(known.has_all_before(at(100, 1)), std::nullopt);
    EXPECT_EQ(known.has_all_before(at(95, 2)), start + 1s);
    known.primary_was(start + 2s, at(95, 1));
    EXPECT_EQ(known.has_all_before(at(95, 2)), start + 1s);
    EXPECT_EQ(known.has_all_before(at(95, 1)), std::nullopt);
}

TEST(read_freshness, believes_a_primary_whose_log_ends_earlier_after_a_crash)
{
    read_freshness known;
    known.primary_was(start, at(200)); // not all of it was on disk
    known.primary_was(start + 1s, at(150));
    EXPECT_EQ(known.has_all_before(at(160)), start + 1s);
}

TEST(read_freshness, asks_one_question_at_a_time_and_pauses_in_between)
{
    read_freshness known;
    EXPECT_TRUE(known.begin_question(start, 1s));
    EXPECT_FALSE(known.begin_question(start + 10s, 1s)) << "the first is not answered";
    known.primary_was(start, at(1));
    EXPECT_FALSE(known.begin_question(start + 249ms, 1s));
    EXPECT_TRUE(known.begin_question(start + 250ms, 1s));
    known.question_failed();
    EXPECT_FALSE(known.begin_question(start + 499ms, 1s)) << "one that failed is not repeated at once";
    EXPECT_TRUE(known.begin_question(start + 500ms, 1s));
}

TEST(read_freshness, asks_once_a_second_for_who_can_wait_and_less_often_for_who_waits_long)
{
    EXPECT_EQ(read_freshness::pause_for(100ms), 25ms);
    EXPECT_EQ(read_freshness::pause_for(30s), 1s);
    EXPECT_EQ(read_freshness::pause_for(64min), 1min);
    EXPECT_EQ(read_freshness::pause_for(1ms), 10ms);
}

TEST(read_freshness, knows_when_nothing_can_be_proved)
{
    read_freshness known;
    EXPECT_FALSE(known.can_prove(start, 1h));
    known.primary_was(start, at(1));
    EXPECT_TRUE(known.can_prove(start + 1s, 1s));
    EXPECT_FALSE(known.can_prove(start + 1001ms, 1s));
    EXPECT_TRUE(known.can_prove(start + 24h, resilience::duration::max()));
}

TEST(read_freshness, leaves_a_server_alone_that_was_too_old_and_asks_it_first_then)
{
    read_freshness known;
    known.primary_was(start - 1s, at(100));
    EXPECT_EQ(known.approach_to(host(1), start, 1s), approach::together);
    known.found_old(host(1), start, 1s);
    EXPECT_EQ(known.approach_to(host(1), start + 249ms, 1s), approach::not_now);
    EXPECT_EQ(known.approach_to(host(1), start + 250ms, 1s), approach::alone);
    EXPECT_EQ(known.approach_to(host(1), start, 2s), approach::together) << "it may be new enough for that";
    EXPECT_EQ(known.approach_to(host(2), start, 1s), approach::together) << "another server";
    known.found_new(host(1), 2s); // says nothing of who wants it newer
    EXPECT_EQ(known.approach_to(host(1), start + 300ms, 1s), approach::alone);
    known.found_new(host(1), 1s);
    EXPECT_EQ(known.approach_to(host(1), start, 1s), approach::together);
}

TEST(read_freshness, gives_a_server_another_chance_soon_that_may_have_missed_the_first_answer)
{
    read_freshness known;
    known.primary_was(start - 999ms, at(100));
    known.found_old(host(1), start, 1s);
    EXPECT_EQ(known.approach_to(host(1), start + 9ms, 1s), approach::not_now);
    EXPECT_EQ(known.approach_to(host(1), start + 10ms, 1s), approach::alone);
}

TEST(read_freshness, keeps_old_answers_for_standbys_that_are_far_behind)
{
    read_freshness known(64);
    for (int i = 1; i <= 300; ++i)
        known.primary_was(start + std::chrono::seconds(i), at(static_cast<std::uint64_t>(i)));
    const auto behind = known.has_all_before(at(240));
    ASSERT_TRUE(behind);
    EXPECT_LE(*behind, start + 240s);
    EXPECT_GE(*behind, start + 220s);
    EXPECT_EQ(known.has_all_before(at(300)), start + 300s);
}

// A primary commits and crashes, standbys replay and stop, answers come late: what is claimed is true.
RC_GTEST_PROP(read_freshness, never_claims_more_than_is_true, ())
{
    struct commit {
        time_point when;
        std::uint64_t location;
    };
    read_freshness known(8);
    std::vector<commit> commits;
    time_point now = start;
    std::uint64_t end = 0;
    std::uint64_t replayed = 0;
    const auto steps = *rc::gen::inRange(1, 200);
    for (int i = 0; i < steps; ++i) {
        now += std::chrono::milliseconds(*rc::gen::inRange(1, 50));
        switch (*rc::gen::inRange(0, 4)) {
        case 0:
            end += static_cast<std::uint64_t>(*rc::gen::inRange(1, 100));
            commits.push_back({now, end});
            break;
        case 1: { // the answer is of a moment after the question
            const auto asked = now;
            now += std::chrono::milliseconds(*rc::gen::inRange(0, 50));
            if (*rc::gen::inRange(0, 2) == 1)
                commits.push_back({now, ++end});
            known.primary_was(asked, at(end));
            break;
        }
        case 2:
            replayed += (end - replayed) * static_cast<std::uint64_t>(*rc::gen::inRange(0, 3)) / 2;
            break;
        default:
            if (const auto since = known.has_all_before(at(replayed))) {
                for (const auto& each : commits)
                    RC_ASSERT(each.when >= *since || each.location <= replayed);
            }
        }
    }
}

} // namespace
} // namespace tradecore::detail
