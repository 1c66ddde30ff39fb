// SPDX-License-Identifier: Apache-2.0
#include "../support/backend.hpp"
#include "../support/machine_script.hpp"
#include "pg/fsm/batch.hpp"

#include <gtest/gtest.h>

namespace {

using namespace tradecore;
using namespace tradecore::test;
using pg::fsm::batch;
using pg::fsm::repeat;

std::shared_ptr<const pg::row_description> one_int4()
{
    return std::make_shared<const pg::row_description>(1, pg::column{.name = "n", .type = 23});
}

/// An entry that returns a row, and one that returns none.
std::vector<batch::entry> two_entries()
{
    std::vector<batch::entry> entries;
    entries.emplace_back(one_int4());
    entries.emplace_back(nullptr);
    return entries;
}

const std::string first = backend::bind_complete() + backend::row({backend::i32(7)}) + backend::complete("SELECT 1");
const std::string second = backend::bind_complete() + backend::complete("UPDATE 2");
const std::string command = backend::parse_complete() + backend::bind_complete() + backend::complete("BEGIN");

TEST(batch, collects_the_answers_before_one_sync)
{
    batch machine(two_entries(), batch::syncs::one, 0);
    expect_done(feed(machine, first + second + backend::ready()));
    EXPECT_EQ(machine.entries()[0].answer[0]["n"].as<int>(), 7);
    EXPECT_EQ(machine.entries()[1].answer.tag().rows_affected(), 2U);
    EXPECT_TRUE(machine.entries()[1].complete);
    EXPECT_FALSE(machine.error());
}

TEST(batch, collects_the_answers_with_a_sync_behind_each)
{
    batch machine(two_entries(), batch::syncs::each, 0);
    expect_done(feed(machine, first + backend::ready() + second + backend::ready()));
    EXPECT_TRUE(machine.entries()[0].complete);
    EXPECT_TRUE(machine.entries()[1].complete);
}

TEST(batch, runs_commands_first)
{
    for (const auto how : {batch::syncs::one, batch::syncs::each}) {
        const auto between = how == batch::syncs::each ? backend::ready('T') : std::string();
        batch machine(two_entries(), how, 2);
        expect_done(feed(machine, command + command + first + between + second + backend::ready('T')));
        EXPECT_EQ(machine.entries()[0].answer.size(), 1U);
    }
}

TEST(batch, knows_entries_that_are_parsed_on_the_way)
{
    auto entries = two_entries();
    entries[1].parses = true;
    batch machine(std::move(entries), batch::syncs::one, 0);
    expect_done(feed(machine, first + backend::parse_complete() + second + backend::ready()));
    auto strict = two_entries();
    strict[0].parses = true;
    batch missing(std::move(strict), batch::syncs::one, 0);
    expect_violation(feed(missing, first), "in a batch");
}

TEST(batch, gives_an_error_to_its_entry_and_goes_on_after_its_sync)
{
    for (const auto& until : {std::string(), backend::bind_complete(), first}) {
        batch machine(two_entries(), batch::syncs::each, 0);
        expect_done(
            feed(machine, until + backend::error("22012", "zero") + backend::ready() + second + backend::ready()));
        ASSERT_TRUE(machine.entries()[0].error);
        EXPECT_FALSE(machine.entries()[1].error);
        EXPECT_TRUE(machine.entries()[1].complete);
    }
}

TEST(batch, stops_at_an_error_with_one_sync)
{
    batch machine(two_entries(), batch::syncs::one, 0);
    expect_done(feed(machine, backend::bind_complete() + backend::error("22012", "zero") + backend::ready()));
    EXPECT_TRUE(machine.entries()[0].error);
    EXPECT_FALSE(machine.entries()[1].complete);
    EXPECT_FALSE(machine.entries()[1].error);
}

TEST(batch, knows_errors_that_belong_to_no_entry)
{
    batch at_the_end(two_entries(), batch::syncs::one, 0);
    expect_done(feed(at_the_end, first + second + backend::error("23503", "deferred") + backend::ready()));
    ASSERT_TRUE(at_the_end.error());
    EXPECT_EQ(at_the_end.error()->code.text(), "23503");

    batch before(two_entries(), batch::syncs::one, 1);
    expect_done(feed(before, backend::error("25001", "no") + backend::ready()));
    EXPECT_TRUE(before.error());
    EXPECT_FALSE(before.entries()[0].error);
}

TEST(batch, takes_a_failed_command_for_the_failure_of_the_first_entry_with_a_sync_each)
{
    batch machine(two_entries(), batch::syncs::each, 1);
    expect_done(feed(machine, backend::error("25001", "no") + backend::ready() + second + backend::ready()));
    EXPECT_TRUE(machine.entries()[0].error);
    EXPECT_TRUE(machine.entries()[1].complete);
}

TEST(batch, refuses_messages_out_of_order)
{
    const std::vector<std::pair<std::string, std::string>> scripts = {
        {backend::complete("SELECT 1"), "in a batch"},
        {backend::parse_complete(), "in a batch"},
        {first + backend::ready(), "before the answer"},
        {first + second + second, "behind"},
        {backend::bind_complete() + backend::message('G', std::string(3, '\0')), "in a batch"},
        {backend::bind_complete() + backend::row({"1", "2"}), "DataRow"},
        {backend::error("22012", "zero") + backend::bind_complete(), "after an error"},
    };
    for (const auto& [script, why] : scripts) {
        batch machine(two_entries(), batch::syncs::one, 0);
        expect_violation(feed(machine, script), why);
    }
    batch no_sync(two_entries(), batch::syncs::each, 0);
    expect_violation(feed(no_sync, first + second), "behind");
    batch early(two_entries(), batch::syncs::each, 0);
    expect_violation(feed(early, backend::bind_complete() + backend::ready()), "before the answer");
}

void end(repeat& machine)
{
    std::string sync;
    machine.write_end(sync);
    EXPECT_EQ(sync, std::string("S\0\0\0\4", 5));
}

TEST(repeat, counts_executions_and_rows)
{
    repeat machine(1);
    machine.sent();
    machine.sent();
    feed(machine, command + second);
    EXPECT_EQ(machine.completed(), 1U);
    machine.sent();
    end(machine);
    expect_done(feed(machine, first + second + backend::ready()));
    EXPECT_EQ(machine.completed(), 3U);
    EXPECT_EQ(machine.rows_affected(), 5U);
}

TEST(repeat, says_which_execution_failed)
{
    repeat machine(0, true);
    for (int i = 0; i < 5; ++i)
        machine.sent();
    feed(machine, backend::parse_complete() + second + second + backend::bind_complete());
    feed(machine, backend::error("23505", "duplicate"));
    EXPECT_TRUE(machine.error());
    EXPECT_FALSE(machine.failed_before());
    EXPECT_EQ(machine.completed(), 2U);
    end(machine);
    expect_done(feed(machine, backend::ready()));
}

TEST(repeat, undoes_what_was_executed_when_it_is_cancelled)
{
    repeat machine(0);
    machine.sent();
    feed(machine, second);
    const auto messages = machine.cancel();
    EXPECT_EQ(messages.front(), 'E');
    EXPECT_TRUE(messages.ends_with(std::string_view("S\0\0\0\4", 5)));
    EXPECT_TRUE(machine.cancel().empty());
    expect_done(feed(machine, backend::error("34000", "no such portal") + backend::ready()));
}

TEST(repeat, tells_an_error_of_a_command_apart)
{
    repeat machine(1);
    machine.sent();
    end(machine);
    expect_done(feed(machine, backend::error("25001", "no") + backend::ready()));
    EXPECT_TRUE(machine.failed_before());
}

TEST(repeat, refuses_messages_out_of_order)
{
    const std::vector<std::pair<std::string, std::string>> scripts = {
        {backend::complete("UPDATE 1"), "before a row"},
        {backend::bind_complete() + backend::bind_complete(), "in a row"},
        {second + second, "answer to nothing"},
        {second + backend::ready(), "before the answer"},
        {backend::parse_complete(), "before a row"},
        {backend::error("22012", "zero") + second, "after an error"},
    };
    for (const auto& [script, why] : scripts) {
        repeat machine(0);
        machine.sent();
        expect_violation(feed(machine, script), why);
    }
    repeat unanswered(0);
    unanswered.sent();
    end(unanswered);
    expect_violation(feed(unanswered, backend::ready()), "before the answer");
}

} // namespace
