// SPDX-License-Identifier: Apache-2.0
#include "db/sharing.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <stdexcept>

namespace tradecore::detail {
namespace {

using namespace std::chrono_literals;
using slot = sharing::slot;
using time_point = sharing::time_point;

constexpr time_point start{std::chrono::hours(1)};
constexpr auto any = [](slot) { return true; };

expected_time takes(sharing::duration time)
{
    expected_time known;
    known.learn(time);
    return known;
}

TEST(sharing_options, refuse_what_makes_no_sense)
{
    const auto problem = [](const sharing_options& options) -> std::string {
        try {
            options.validate();
        }
        catch (const std::invalid_argument& e) {
            return e.what();
        }
        return {};
    };
    EXPECT_EQ(problem({}), "");
    EXPECT_EQ(problem({.window = 0}), "sharing_options.window must be at least 1");
    EXPECT_EQ(problem({.patience = 0ms}), "sharing_options.patience must be positive");
    EXPECT_EQ(
        problem({.patience = std::chrono::milliseconds::max()}),
        "sharing_options.patience must not be above 100 years");
}

TEST(sharing, lets_no_more_onto_a_connection_than_its_window)
{
    sharing shares({.window = 3});
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(i == 0 || shares.has_room(7, 0ms));
        shares.begin(7, 0ms, start);
    }
    EXPECT_FALSE(shares.has_room(7, 0ms));
    EXPECT_FALSE(shares.roomiest(0ms, any));
    shares.end(7, 0ms, nullptr, start);
    EXPECT_TRUE(shares.has_room(7, 0ms));
}

TEST(sharing, sends_nothing_behind_what_is_expected_to_take_longer_than_patience)
{
    sharing shares({.patience = 20ms});
    const auto quick = shares.weight_of(takes(1ms));
    const auto slow = shares.weight_of(takes(15ms));
    shares.begin(1, quick, start);
    EXPECT_TRUE(shares.has_room(1, slow));
    shares.begin(1, slow, start);
    EXPECT_TRUE(shares.has_room(1, quick));
    EXPECT_FALSE(shares.has_room(1, slow));
    shares.end(1, quick, nullptr, start);
    shares.end(1, slow, nullptr, start);
    EXPECT_EQ(shares.users(1), 0U);
}

TEST(sharing, takes_a_few_together_of_statements_never_met)
{
    sharing shares({.patience = 20ms});
    const auto unknown = shares.weight_of(expected_time());
    shares.begin(0, unknown, start);
    for (int i = 1; i < 4; ++i) {
        EXPECT_TRUE(shares.has_room(0, unknown));
        shares.begin(0, unknown, start);
    }
    EXPECT_FALSE(shares.has_room(0, unknown));
}

TEST(sharing, learns_how_long_the_server_takes_and_not_how_long_the_way_is)
{
    sharing shares({});
    expected_time ping;
    expected_time report;
    const auto answer = [&](expected_time& of, time_point began, time_point ended) {
        shares.begin(0, 0ms, began);
        shares.end(0, 0ms, &of, ended);
    };
    answer(ping, start, start + 50ms); // all of it the way, as far as anybody knows
    answer(report, start + 1s, start + 1s + 80ms);
    EXPECT_EQ(ping.known(), 0ms);
    EXPECT_LE(report.known(), 30ms);
    EXPECT_GE(report.known(), 29ms) << "a way that seems to have become longer is believed slowly";
    // One right behind another comes without a way of its own.
    shares.begin(0, 0ms, start + 2s);
    shares.begin(0, 0ms, start + 2s);
    shares.end(0, 0ms, &ping, start + 2s + 50ms);
    expected_time behind;
    shares.end(0, 0ms, &behind, start + 2s + 53ms);
    EXPECT_EQ(behind.known(), 3ms);
}

TEST(expected_time, follows_what_it_learns_slowly)
{
    expected_time known;
    EXPECT_FALSE(known.known());
    known.learn(8ms);
    known.learn(16ms);
    EXPECT_EQ(known.known(), 9ms);
}

TEST(sharing, chooses_of_two_connections_the_one_with_fewer)
{
    sharing shares({});
    for (int i = 0; i < 5; ++i)
        shares.begin(3, 0ms, start);
    shares.begin(9, 0ms, start);
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(shares.roomiest(0ms, any), 9U);
        shares.begin(9, 0ms, start);
    }
    EXPECT_EQ(shares.roomiest(0ms, [](slot which) { return which == 3; }), 3U);
}

TEST(sharing, finds_a_connection_stuck_when_no_answer_comes_for_longer_than_patience_and_a_round_trip)
{
    sharing shares({.patience = 20ms});
    expected_time time;
    shares.begin(0, 0ms, start);
    shares.end(0, 0ms, &time, start + 5ms); // the way is 5 ms long
    const auto began = start + 1s;
    shares.begin(0, 0ms, began);
    EXPECT_FALSE(shares.next_look()) << "nobody is behind it";
    EXPECT_TRUE(shares.take_stuck(began + 1h).empty());
    shares.begin(0, 0ms, began + 1ms);
    ASSERT_EQ(shares.next_look(), began + 30ms);
    EXPECT_TRUE(shares.take_stuck(began + 29ms).empty());
    EXPECT_EQ(shares.take_stuck(began + 30ms), std::vector<slot>{0});
    EXPECT_FALSE(shares.has_room(0, 0ms));
    EXPECT_TRUE(shares.is_stuck(0));
    EXPECT_TRUE(shares.take_stuck(began + 60ms).empty()) << "only once";
    EXPECT_FALSE(shares.next_look());
    shares.end(0, 0ms, nullptr, began + 60ms); // was sent away: no answer
    EXPECT_FALSE(shares.has_room(0, 0ms));
    shares.end(0, 0ms, &time, began + 90ms);
    shares.begin(0, 0ms, began + 91ms);
    EXPECT_TRUE(shares.has_room(0, 0ms));
}

TEST(sharing, measures_silence_from_the_last_answer)
{
    sharing shares({.patience = 20ms});
    expected_time time;
    for (int i = 0; i < 3; ++i)
        shares.begin(4, 0ms, start);
    shares.end(4, 0ms, &time, start + 15ms);
    const auto limit = start + 15ms + 20ms + 2 * 15ms;
    EXPECT_TRUE(shares.take_stuck(limit - 1ms).empty());
    EXPECT_EQ(shares.take_stuck(limit), std::vector<slot>{4});
}

RC_GTEST_PROP(sharing, keeps_its_books_whatever_happens, ())
{
    const sharing_options options{.window = *rc::gen::inRange<std::size_t>(1, 6), .patience = 20ms};
    sharing shares(options);
    struct use {
        sharing::duration weight;
    };
    std::map<slot, std::deque<use>> model;
    std::map<slot, bool> stuck;
    auto now = start;
    const auto steps = *rc::gen::container<std::vector<std::pair<int, int>>>(
        rc::gen::pair(rc::gen::inRange(0, 100), rc::gen::inRange(0, 30)));
    expected_time time;
    for (const auto& [what, number] : steps) {
        const auto which = static_cast<slot>(number % 4);
        auto& users = model[which];
        now += std::chrono::milliseconds(number);
        if (what < 50) {
            const sharing::duration weight = std::chrono::milliseconds(number);
            sharing::duration backlog{};
            for (const auto& each : users)
                backlog += each.weight;
            if (!users.empty()) {
                const bool room =
                    users.size() < options.window && backlog + weight <= options.patience && !stuck[which];
                RC_ASSERT(shares.has_room(which, weight) == room);
                if (!room)
                    continue;
            }
            else {
                stuck[which] = false;
            }
            shares.begin(which, weight, now);
            users.push_back({weight});
        }
        else if (what < 90 && !users.empty()) {
            const bool answered = what % 2 == 0;
            shares.end(which, users.front().weight, answered ? &time : nullptr, now);
            users.pop_front();
            stuck[which] = stuck[which] && !answered;
        }
        else {
            for (const slot each : shares.take_stuck(now)) {
                RC_ASSERT(model[each].size() >= 2);
                RC_ASSERT(!stuck[each]);
                stuck[each] = true;
            }
        }
        std::size_t moving = 0;
        std::size_t statements = 0;
        for (const auto& [each, all] : model) {
            RC_ASSERT(shares.users(each) == all.size());
            moving += all.empty() || stuck[each] ? 0 : 1;
            statements += all.size();
        }
        moving = std::max<std::size_t>(moving, 1);
        RC_ASSERT(shares.part_of_each(7) == (statements + 7 + moving - 1) / moving);
        if (const auto chosen = shares.roomiest(1ms, any))
            RC_ASSERT(shares.has_room(*chosen, 1ms) && shares.users(*chosen) > 0);
    }
}

} // namespace
} // namespace tradecore::detail
