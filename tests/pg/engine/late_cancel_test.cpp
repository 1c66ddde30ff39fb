// SPDX-License-Identifier: Apache-2.0
#include "../support/conversation.hpp"

#include <tradecore/pg/connection.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using namespace tradecore;
using namespace tradecore::test;
using cursor_core = std::shared_ptr<pg::detail::cursor_core>;

// Long enough for what happens between two of its ends, short enough to be waited for.
constexpr auto limit = 500ms;

std::string portal_suspended()
{
    return backend::message('s', {});
}

/// A cursor whose first slice was late: the server was asked to stop, and has come to the end of the slice before it
/// heard that.
struct late_cursor : conversation {
    /// @param end of the slice.
    explicit late_cursor(pg::cursor_options how, std::string_view end)
    {
        auto opening = begin(db->open_cursor(
            {.sql = {"SELECT n FROM t", nullptr}, .arguments = {}, .options = {.timeout = limit}}, how));
        EXPECT_EQ(server.expect("PDS").size(), 3U);
        server.say(one_number_prepared());
        EXPECT_EQ(server.expect("PBEBES").size(), 6U);
        EXPECT_TRUE(server.run_until([&] { return server.requests() == 1; }));
        server.say(
            backend::parse_complete() + backend::bind_complete() + backend::complete("BEGIN") +
            backend::bind_complete() + backend::row({backend::i32(7)}) + std::string(end) + backend::ready('T'));
        server.settle();
        opened.emplace(std::move(opening));
    }

    /// @returns whether nothing is sent before the request has ended, and then a COMMIT.
    bool commits_afterwards()
    {
        server.settle();
        EXPECT_EQ(server.heard(), "");
        server.end_requests();
        const auto heard = server.expect("Q");
        server.say(backend::complete("COMMIT") + backend::ready());
        return heard.size() == 1 && heard[0].payload.starts_with("COMMIT");
    }

    std::optional<task<cursor_core>> opened;
};

TEST(late_cancel, holds_back_the_commit_of_a_cursor)
{
    late_cursor test({}, backend::complete("SELECT 1"));
    EXPECT_TRUE(test.commits_afterwards());
    const auto rows = test.outcome(*test.opened);
    auto first = test.begin(rows->next());
    EXPECT_EQ(test.outcome(first).size(), 1U);
    auto end = test.begin(rows->next());
    EXPECT_TRUE(test.outcome(end).empty());
}

TEST(late_cancel, holds_back_the_next_slice_of_a_cursor)
{
    for (const bool read_ahead : {false, true}) {
        late_cursor test({.rows = 1, .read_ahead = read_ahead}, portal_suspended());
        const auto rows = test.outcome(*test.opened);
        auto first = test.begin(rows->next());
        EXPECT_EQ(test.outcome(first).size(), 1U);
        auto second = test.begin(rows->next());
        test.server.settle();
        EXPECT_EQ(test.server.heard(), "");
        test.server.end_requests();
        EXPECT_EQ(test.server.expect("ES").size(), 2U);
        test.server.say(backend::complete("SELECT 0") + backend::ready('T'));
        EXPECT_EQ(test.server.expect("Q").size(), 1U);
        test.server.say(backend::complete("COMMIT") + backend::ready());
        EXPECT_TRUE(test.outcome(second).empty());
    }
}

boost::asio::awaitable<bool> close(cursor_core rows)
{
    co_await rows->close();
    co_return true;
}

TEST(late_cancel, holds_back_the_commit_of_a_cursor_that_is_closed)
{
    late_cursor test({.rows = 1, .read_ahead = false}, portal_suspended());
    const auto rows = test.outcome(*test.opened);
    auto closing = test.begin(close(rows));
    EXPECT_TRUE(test.commits_afterwards());
    EXPECT_TRUE(test.outcome(closing));
}

TEST(late_cancel, holds_back_the_rollback_of_a_cursor_that_is_given_up)
{
    late_cursor test({.rows = 1, .read_ahead = false}, portal_suspended());
    test.outcome(*test.opened)->abandon();
    test.server.settle();
    EXPECT_EQ(test.server.heard(), "");
    test.server.end_requests();
    const auto heard = test.server.expect("Q");
    ASSERT_EQ(heard.size(), 1U);
    EXPECT_TRUE(heard[0].payload.starts_with("ROLLBACK"));
}

/// A statement that the server works on, which can be cancelled.
struct neighbour : conversation {
    explicit neighbour(std::chrono::milliseconds cancel_timeout = never_in_a_test)
        : conversation(cancel_timeout), running(ask("SELECT 1"))
    {
        EXPECT_EQ(server.expect("PDS").size(), 3U);
        server.say(one_number_prepared());
        EXPECT_EQ(server.expect("BES").size(), 3U);
    }
    /// Cancels it, but it comes to its end.
    void cancel_too_late()
    {
        running.cancel();
        EXPECT_TRUE(server.run_until([&] { return server.requests() == 1; }));
        server.say(one_number(7));
    }

    task<pg::result> running;
};

TEST(late_cancel, of_a_neighbour_holds_back_a_cursor)
{
    neighbour test;
    auto known = test.ask("SELECT n FROM t");
    EXPECT_EQ(test.server.expect("PDS").size(), 3U);
    test.server.say(one_number(7) + one_number_prepared());
    EXPECT_EQ(test.server.expect("BES").size(), 3U);
    // It waits for what goes before it, to know whether it is in a transaction.
    auto opening = test.begin(test.db->open_cursor({.sql = {"SELECT n FROM t", nullptr}, .arguments = {}}, {}));
    EXPECT_EQ(test.server.expect("S").size(), 1U);
    known.cancel();
    EXPECT_TRUE(test.server.run_until([&] { return test.server.requests() == 1; }));
    test.server.say(one_number(7) + backend::ready());
    test.server.settle();
    EXPECT_EQ(test.server.heard(), "");
    test.server.end_requests();
    EXPECT_EQ(test.server.expect("PBEBES").size(), 6U);
}

TEST(late_cancel, may_hit_a_neighbour_again_and_again)
{
    neighbour test;
    auto hit = test.ask("SELECT 1");
    EXPECT_EQ(test.server.expect("BES").size(), 3U);
    for (std::size_t requests = 1; requests <= 3; ++requests) {
        test.running.cancel();
        EXPECT_TRUE(test.server.run_until([&] { return test.server.requests() == requests; }));
        test.running = test.ask("SELECT 1"); // before the one that is hit in line
        test.server.settle();
        test.server.say(
            one_number(7) + backend::error("57014", "canceling statement due to user request") + backend::ready());
        test.server.settle();
        EXPECT_EQ(test.server.heard(), "");
        test.server.end_requests();
        EXPECT_EQ(test.server.expect("BESBES").size(), 6U);
    }
    test.server.say(one_number(7) + one_number(8));
    EXPECT_EQ(test.outcome(hit).size(), 1U);
}

TEST(late_cancel, may_hit_one_far_behind_whose_turn_is_seen_after_the_end_of_the_request)
{
    neighbour test;
    auto passed_over = test.ask("SELECT 1");
    auto hit = test.ask("SELECT 1");
    EXPECT_EQ(test.server.expect("BESBES").size(), 6U);
    test.running.cancel();
    EXPECT_TRUE(test.server.run_until([&] { return test.server.requests() == 1; }));
    test.server.end_requests();
    test.server.settle();
    // The server had said all of it before the request had its end.
    test.server.say(
        one_number(7) + one_number(8) + backend::error("57014", "canceling statement due to user request") +
        backend::ready());
    EXPECT_EQ(test.server.expect("BES").size(), 3U);
    test.server.say(one_number(9));
    EXPECT_EQ(test.outcome(passed_over).at(0, 0).as<std::int32_t>(), 8);
    EXPECT_EQ(test.outcome(hit).at(0, 0).as<std::int32_t>(), 9);
}

TEST(late_cancel, of_a_neighbour_holds_back_a_copy)
{
    neighbour test;
    auto copying = test.begin(test.db->copy_in("t", {"n"}, std::vector<std::int32_t>{1}));
    EXPECT_EQ(test.server.expect("PDS").size(), 3U);
    test.cancel_too_late();
    test.server.say(one_number_prepared());
    test.server.settle();
    EXPECT_EQ(test.server.heard(), "");
    test.server.end_requests();
    EXPECT_EQ(test.server.expect("PBEH").size(), 4U);
}

TEST(cursor_behind_others, waits_for_them_no_longer_than_it_may)
{
    neighbour test;
    auto known = test.ask("SELECT n FROM t");
    EXPECT_EQ(test.server.expect("PDS").size(), 3U);
    test.server.say(one_number(7) + one_number_prepared());
    EXPECT_EQ(test.server.expect("BES").size(), 3U);
    auto opening = test.begin(
        test.db->open_cursor({.sql = {"SELECT n FROM t", nullptr}, .arguments = {}, .options = {.timeout = 20ms}}, {}));
    EXPECT_NE(test.error_of<pg::timeout_error>(opening), "");
    EXPECT_FALSE(known.has_ended());
}

TEST(cursor_in_a_transaction, is_closed_in_time_or_not_at_all)
{
    conversation test;
    auto opening = test.begin(test.db->open_cursor(
        {.sql = {"SELECT n FROM t", nullptr}, .arguments = {}, .options = {.timeout = 500ms}, .before = {"BEGIN"}},
        {.rows = 1, .read_ahead = false}));
    ASSERT_EQ(test.server.expect("PDS").size(), 3U);
    test.server.say(one_number_prepared());
    ASSERT_EQ(test.server.expect("PBEBES").size(), 6U);
    test.server.say(
        backend::parse_complete() + backend::bind_complete() + backend::complete("BEGIN") + backend::bind_complete() +
        backend::row({backend::i32(7)}) + portal_suspended() + backend::ready('T'));
    const auto rows = test.outcome(opening);
    auto closing = test.begin(close(rows));
    ASSERT_EQ(test.server.expect("CS").size(), 2U);
    // The server says nothing, and is asked to stop.
    EXPECT_TRUE(test.server.run_until([&] { return test.server.requests() == 1; }));
}

// --- in the line behind a request to cancel ------------------------------------------------------------------------

TEST(behind_a_cancel, who_is_cancelled_at_any_point_leaves_nothing_unattended)
{
    bool more = true;
    for (std::size_t handlers = 0; more; ++handlers) {
        neighbour test;
        test.cancel_too_late();
        test.server.settle();
        auto waiting = test.ask("SELECT 1"); // in the line
        auto behind = test.ask("SELECT 1");
        test.server.settle();
        ASSERT_EQ(test.server.heard(), "");
        test.server.end_requests();
        // From inside the loop, where it takes effect at once: between what is posted and what runs.
        bool cancelled = false;
        std::function<void(std::size_t)> cancel_after = [&](std::size_t left) {
            if (left > 0)
                return boost::asio::post(test.context, [&cancel_after, left] { cancel_after(left - 1); });
            more = test.server.heard().empty();
            waiting.cancel();
            cancelled = true;
        };
        boost::asio::post(test.context, [&] { cancel_after(handlers); });
        ASSERT_TRUE(test.server.run_until([&] { return cancelled; }));
        ASSERT_TRUE(test.server.run_until([&] { return waiting.has_ended() || test.server.requests() == 2; }))
            << "after " << handlers << " handlers";
        if (!waiting.has_ended()) {
            // The server works on it, and was asked to stop.
            test.server.say(
                backend::bind_complete() + backend::error("57014", "canceling statement due to user request") +
                backend::ready());
            test.server.end_requests();
            ASSERT_TRUE(test.server.run_until([&] { return waiting.has_ended(); }));
            (void)test.server.take_heard();
            test.server.say(one_number(8));
        }
        else {
            ASSERT_EQ(test.server.expect("BES").size(), 3U) << "after " << handlers << " handlers";
            test.server.say(one_number(8));
        }
        EXPECT_TRUE(test.was_aborted(waiting));
        EXPECT_EQ(test.outcome(behind).at(0, 0).as<std::int32_t>(), 8) << "after " << handlers << " handlers";
    }
}

TEST(behind_a_cancel, who_waits_is_told_of_a_lost_connection_and_not_of_its_own_time)
{
    neighbour test(50ms);
    test.cancel_too_late();
    test.server.settle();
    EXPECT_TRUE(test.running.has_ended());
    auto waiting = test.ask("SELECT 1", limit);
    // Nobody ends the request.
    EXPECT_NE(test.error_of<pg::connection_error>(waiting).find("request to cancel"), std::string::npos);
    EXPECT_FALSE(test.db->is_open());
}

TEST(behind_a_cancel, is_nobody_who_had_not_been_sent)
{
    neighbour test(50ms);
    test.running.cancel();
    EXPECT_TRUE(test.server.run_until([&] { return test.server.requests() == 1; }));
    auto waiting = test.ask("SELECT 1", limit);
    // Neither the request nor the statement has an end.
    EXPECT_NE(test.error_of<pg::connection_error>(waiting).find("request to cancel"), std::string::npos);
    EXPECT_TRUE(test.was_aborted(test.running));
}

} // namespace
