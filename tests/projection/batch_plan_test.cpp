// SPDX-License-Identifier: Apache-2.0
#include "projection/batch_plan.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace tradecore::projection {

namespace {

std::vector<std::string> names_of(const std::vector<stream_cursor>& cursors)
{
    std::vector<std::string> names;
    for (const auto& cursor : cursors) {
        names.push_back(cursor.stream);
    }
    return names;
}

TEST(batch_plan, names_each_stream_once_in_the_order_of_bytes)
{
    const std::vector<event_key> events{{"b", 1}, {"a", 1}, {"b", 2}, {"B", 1}, {"ä", 1}, {"a", 2}};
    EXPECT_EQ(streams_of(events), (std::vector<std::string>{"B", "a", "b", "ä"}));
}

TEST(batch_plan, applies_what_the_cursor_does_not_have)
{
    const std::vector<event_key> events{{"a", 1}, {"a", 2}, {"a", 4}};
    const std::vector<stream_cursor> cursors{{"a", 1, stream_state::ok}};
    const auto plan = plan_batch(events, cursors);
    EXPECT_EQ(plan.apply, (std::vector<bool>{false, true, true}));
    EXPECT_EQ(plan.skipped, 1U);
    EXPECT_EQ(plan.held_back, 0U);
    ASSERT_EQ(plan.moved.size(), 1U);
    EXPECT_EQ(plan.moved[0].applied, 4);
}

TEST(batch_plan, holds_back_the_events_of_parked_and_dead_streams)
{
    const std::vector<event_key> events{{"dead", 3}, {"ok", 1}, {"parked", 1}, {"parked", 2}};
    const std::vector<stream_cursor> cursors{
        {"dead", 2, stream_state::dead}, {"ok", 0, stream_state::ok}, {"parked", 1, stream_state::parked}};
    const auto plan = plan_batch(events, cursors);
    EXPECT_EQ(plan.apply, (std::vector<bool>{false, true, false, false}));
    EXPECT_EQ(plan.skipped, 1U);
    EXPECT_EQ(plan.held_back, 2U);
    EXPECT_EQ(names_of(plan.moved), (std::vector<std::string>{"ok"}));
}

TEST(batch_plan, does_not_move_cursors_that_have_everything)
{
    const std::vector<event_key> events{{"a", 1}, {"a", 2}};
    const std::vector<stream_cursor> cursors{{"a", 5, stream_state::ok}};
    EXPECT_TRUE(plan_batch(events, cursors).moved.empty());
}

TEST(batch_plan, refuses_a_stream_without_a_cursor)
{
    const std::vector<event_key> events{{"b", 1}};
    const std::vector<stream_cursor> cursors{{"a", 0, stream_state::ok}, {"c", 0, stream_state::ok}};
    EXPECT_THROW((void)plan_batch(events, cursors), std::logic_error);
}

TEST(batch_plan, refuses_an_unknown_state)
{
    EXPECT_EQ(parse_stream_state("dead"), stream_state::dead);
    EXPECT_THROW((void)parse_stream_state("OK"), std::invalid_argument);
}

// The log is cut into batches at random and delivered from random places again, while another party
// brings streams forward and parks and revives them: each event counts once, and in order.
RC_GTEST_PROP(batch_plan, counts_every_event_once_and_in_order_whoever_else_applies, ())
{
    const std::array<std::string, 4> names{"a", "b", "c", "d"};
    // One number decides everything: hundreds of generated values would take minutes.
    std::minstd_rand random(*rc::gen::inRange<std::uint32_t>(1, 1'000'000));
    const auto draw = [&](std::size_t from, std::size_t below) {
        return std::uniform_int_distribution<std::size_t>(from, below - 1)(random);
    };
    std::map<std::string, std::int64_t> versions;
    std::vector<event_key> log;
    for (int i = 0; i < 60; ++i) {
        const auto& name = names.at(draw(0, names.size()));
        log.push_back({name, ++versions[name]});
    }
    std::map<std::string, stream_cursor> table;
    std::map<std::string, std::vector<std::int64_t>> seen;
    for (const auto& name : names) {
        table[name] = {name, 0, stream_state::ok};
    }
    const auto bring_up = [&](const std::string& name, std::size_t visible) {
        for (std::size_t i = 0; i < visible; ++i) {
            if (log[i].stream == name && log[i].version > table[name].applied) {
                seen[name].push_back(log[i].version);
                table[name].applied = log[i].version;
            }
        }
    };

    std::size_t at = 0;
    while (at < log.size()) {
        const auto& other = names.at(draw(0, names.size()));
        switch (draw(0, 4)) {
        case 0: // the SYNC path
            if (table[other].state == stream_state::ok) {
                bring_up(other, draw(at, log.size() + 1));
            }
            break;
        case 1:
            table[other].state = stream_state::parked;
            break;
        case 2: // a retry
            bring_up(other, log.size());
            table[other].state = stream_state::ok;
            break;
        default:
            break;
        }
        // Delivered again from an earlier place, now and then.
        const auto from = draw(0, 3) == 0 ? at / 2 : at;
        const auto size = draw(1, 12);
        const auto end = std::min(log.size(), from + size);
        const std::vector<event_key> batch(
            log.begin() + static_cast<std::ptrdiff_t>(from), log.begin() + static_cast<std::ptrdiff_t>(end));
        std::vector<stream_cursor> cursors;
        for (const auto& stream : streams_of(batch)) {
            cursors.push_back(table.at(stream));
        }
        const auto plan = plan_batch(batch, cursors);
        std::size_t applied = 0;
        for (std::size_t i = 0; i < batch.size(); ++i) {
            if (plan.apply[i]) {
                seen[std::string(batch[i].stream)].push_back(batch[i].version);
                ++applied;
            }
        }
        RC_ASSERT(applied + plan.skipped + plan.held_back == batch.size());
        for (const auto& cursor : plan.moved) {
            RC_ASSERT(table.at(cursor.stream).state == stream_state::ok);
            table.at(cursor.stream).applied = cursor.applied;
        }
        at = std::max(at, end);
    }
    for (const auto& name : names) {
        bring_up(name, log.size());
        std::vector<std::int64_t> all;
        for (std::int64_t version = 1; version <= versions[name]; ++version) {
            all.push_back(version);
        }
        RC_ASSERT(seen[name] == all);
    }
}

TEST(next_batch_size, grows_when_a_full_batch_was_quick)
{
    EXPECT_EQ(next_batch_size(100, 100, 0.1, 100, 5000), 200U);
    EXPECT_EQ(next_batch_size(4000, 4000, 0.1, 100, 5000), 5000U);
}

TEST(next_batch_size, stays_when_the_batch_was_not_full_or_not_quick)
{
    EXPECT_EQ(next_batch_size(400, 399, 0.1, 100, 5000), 400U);
    EXPECT_EQ(next_batch_size(400, 400, 0.7, 100, 5000), 400U);
}

TEST(next_batch_size, shrinks_when_the_batch_was_slow)
{
    EXPECT_EQ(next_batch_size(400, 3, 1.1, 100, 5000), 200U);
    EXPECT_EQ(next_batch_size(120, 120, 9.0, 100, 5000), 100U);
}

RC_GTEST_PROP(next_batch_size, stays_between_its_bounds, ())
{
    const auto smallest = *rc::gen::inRange<std::size_t>(1, 1000);
    const auto greatest = smallest + *rc::gen::inRange<std::size_t>(0, 10'000);
    const auto limit = *rc::gen::inRange<std::size_t>(smallest, greatest + 1);
    const auto got = *rc::gen::inRange<std::size_t>(0, limit + 1);
    const auto share = static_cast<double>(*rc::gen::inRange(0, 400)) / 100.0;
    const auto next = next_batch_size(limit, got, share, smallest, greatest);
    RC_ASSERT(next >= smallest);
    RC_ASSERT(next <= greatest);
}

} // namespace

} // namespace tradecore::projection
