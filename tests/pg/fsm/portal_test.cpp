// SPDX-License-Identifier: Apache-2.0
#include "../support/backend.hpp"
#include "../support/machine_script.hpp"
#include "pg/fsm/portal.hpp"

#include <gtest/gtest.h>

namespace {

using namespace tradecore;
using namespace tradecore::test;
using pg::fsm::portal_slice;

std::shared_ptr<const pg::row_description> one_int4()
{
    return std::make_shared<const pg::row_description>(1, pg::column{.name = "n", .type = 23});
}

std::string rows(int from, int to)
{
    std::string all;
    for (int i = from; i <= to; ++i)
        all += backend::row({backend::i32(i)});
    return all;
}

const std::string suspended = backend::message('s', {});

TEST(portal_slice, ends_suspended_or_complete)
{
    portal_slice first(one_int4(), {});
    expect_done(feed(first, backend::bind_complete() + rows(1, 3) + suspended + backend::ready('T')));
    EXPECT_TRUE(first.suspended());
    EXPECT_EQ(first.answer().size(), 3U);

    portal_slice last(one_int4());
    expect_done(feed(last, rows(4, 5) + backend::complete("SELECT 2") + backend::ready('T')));
    EXPECT_FALSE(last.suspended());
    EXPECT_EQ(last.answer()[1]["n"].as<int>(), 5);

    portal_slice none(one_int4());
    expect_done(feed(none, backend::complete("SELECT 0") + backend::ready('T')));
    EXPECT_TRUE(none.answer().empty());

    portal_slice nothing(nullptr, {});
    expect_done(feed(nothing, backend::bind_complete() + backend::message('I', {}) + backend::ready()));
    EXPECT_FALSE(nothing.suspended());
}

TEST(portal_slice, comes_after_commands_and_a_parse)
{
    const auto command = backend::parse_complete() + backend::bind_complete() + backend::complete("BEGIN");
    portal_slice machine(one_int4(), {.commands = 2, .parses = true});
    expect_done(feed(
        machine, command + command + backend::parse_complete() + backend::bind_complete() + rows(1, 1) + suspended +
                     backend::ready('T')));
    EXPECT_EQ(machine.answer().size(), 1U);
}

TEST(portal_slice, keeps_an_error_at_each_step)
{
    const auto command = backend::parse_complete() + backend::bind_complete() + backend::complete("BEGIN");
    const auto bound = command + backend::parse_complete() + backend::bind_complete();
    for (const auto& until :
         {std::string(), backend::parse_complete(), command, command + backend::parse_complete(), bound,
          bound + rows(1, 2), bound + rows(1, 2) + backend::complete("SELECT 2")}) {
        portal_slice machine(one_int4(), {.commands = 1, .parses = true});
        feed(machine, until);
        expect_done(feed(machine, backend::error("22012", "division by zero") + backend::ready('E')));
        ASSERT_TRUE(machine.error());
        EXPECT_FALSE(machine.suspended());
    }
}

TEST(portal_slice, refuses_messages_out_of_order)
{
    const std::vector<std::pair<std::string, std::string>> scripts = {
        {rows(1, 1), "unexpected"},
        {backend::parse_complete(), "unexpected"},
        {backend::bind_complete() + backend::bind_complete(), "unexpected"},
        {backend::bind_complete() + backend::ready('T'), "before the answer"},
        {backend::bind_complete() + suspended + rows(1, 1), "unexpected"},
        {backend::bind_complete() + suspended + backend::complete("SELECT 1"), "unexpected"},
        {backend::bind_complete() + backend::row({"1", "2"}), "DataRow"},
        {backend::bind_complete() + backend::message('C', "no end"), "CommandComplete"},
    };
    for (const auto& [script, why] : scripts) {
        portal_slice machine(one_int4(), {});
        expect_violation(feed(machine, script), why);
    }
    portal_slice commands(one_int4(), {.commands = 1});
    expect_violation(feed(commands, suspended), "before the cursor");
    portal_slice no_columns(nullptr, {});
    expect_violation(feed(no_columns, backend::bind_complete() + rows(1, 1)), "DataRow");
}

TEST(close_portal, ends_at_ready)
{
    pg::fsm::close_portal machine;
    expect_done(feed(machine, backend::message('3', {}) + backend::ready('T')));
    pg::fsm::close_portal disturbed;
    expect_violation(feed(disturbed, backend::bind_complete()), "while closing");
}

} // namespace
