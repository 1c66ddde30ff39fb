// SPDX-License-Identifier: Apache-2.0
#include "../support/backend.hpp"
#include "../support/machine_script.hpp"
#include "pg/fsm/query.hpp"

#include <gtest/gtest.h>

namespace {

using namespace tradecore;
using namespace tradecore::test;
using pg::fsm::action;

std::shared_ptr<const pg::row_description> one_int4()
{
    return std::make_shared<const pg::row_description>(1, pg::column{.name = "n", .type = 23});
}

TEST(prepare, learns_parameters_and_columns)
{
    pg::fsm::prepare machine;
    expect_done(feed(
        machine, backend::parse_complete() + backend::parameters({23, 25}) + backend::columns({{"id", 23}}, 0) +
                     backend::ready()));
    EXPECT_EQ(machine.parameter_types(), (std::vector<pg::oid>{23, 25}));
    ASSERT_TRUE(machine.columns());
    EXPECT_EQ(machine.columns()->at(0).name, "id");
}

TEST(prepare, knows_statements_without_rows)
{
    pg::fsm::prepare machine;
    expect_done(
        feed(machine, backend::parse_complete() + backend::parameters({}) + backend::no_data() + backend::ready()));
    EXPECT_FALSE(machine.columns());
}

TEST(prepare, keeps_the_servers_error_and_ends_in_order)
{
    pg::fsm::prepare machine;
    expect_done(feed(machine, backend::error("42601", "syntax error") + backend::ready()));
    ASSERT_TRUE(machine.error());
    EXPECT_EQ(machine.error()->code.text(), "42601");
}

TEST(prepare, refuses_counts_that_do_not_fit_the_message)
{
    pg::fsm::prepare parameters;
    expect_violation(
        feed(parameters, backend::parse_complete() + backend::message('t', backend::i16(-1))), "ParameterDescription");
    pg::fsm::prepare columns;
    expect_violation(
        feed(columns, backend::parse_complete() + backend::parameters({}) + backend::message('T', backend::i16(30000))),
        "RowDescription");
}

TEST(execute, collects_rows_and_tag)
{
    pg::fsm::execute machine(one_int4(), 0);
    expect_done(feed(
        machine, backend::bind_complete() + backend::row({backend::i32(7)}) + backend::row({backend::i32(8)}) +
                     backend::complete("SELECT 2") + backend::ready()));
    EXPECT_FALSE(machine.error());
    EXPECT_EQ(machine.answer().size(), 2U);
    EXPECT_EQ(machine.answer().tag().rows_affected(), 2U);
    EXPECT_EQ(machine.answer()[1]["n"].as<std::int32_t>(), 8);
}

TEST(execute, keeps_nothing_for_the_next_statement)
{
    const auto selected = backend::bind_complete() + backend::row({backend::i32(7)}) + backend::complete("SELECT 1");
    pg::fsm::execute machine(one_int4(), 0);
    for (const bool taken : {true, false}) {
        expect_done(feed(machine, selected + backend::ready()));
        if (taken)
            EXPECT_EQ(pg::result(std::move(machine.answer())).size(), 1U);
        machine.rest();
        machine.restart({});
        expect_done(feed(machine, backend::bind_complete() + backend::message('I', {}) + backend::ready()));
        EXPECT_TRUE(machine.answer().empty());
        EXPECT_TRUE(machine.answer().columns().empty());
        EXPECT_EQ(machine.answer().tag().text(), "");
        machine.rest();
        machine.restart({.columns = one_int4()});
    }
}

TEST(execute, takes_an_error_after_command_complete_as_failure)
{
    pg::fsm::execute machine(nullptr, 0);
    expect_done(feed(
        machine, backend::bind_complete() + backend::complete("INSERT 0 1") +
                     backend::error("23503", "deferred constraint") + backend::ready()));
    ASSERT_TRUE(machine.error());
    EXPECT_EQ(machine.error()->code.text(), "23503");
}

TEST(execute, runs_commands_before_the_statement)
{
    const auto command = backend::parse_complete() + backend::bind_complete() + backend::complete("BEGIN");
    pg::fsm::execute machine(one_int4(), 2);
    expect_done(feed(
        machine, command + command + backend::bind_complete() + backend::row({backend::i32(1)}) +
                     backend::complete("SELECT 1") + backend::ready('T')));
    EXPECT_EQ(machine.answer().size(), 1U);
}

TEST(execute, does_not_take_a_command_before_for_the_statement)
{
    pg::fsm::execute machine(nullptr, 1);
    expect_violation(
        feed(
            machine,
            backend::parse_complete() + backend::bind_complete() + backend::complete("BEGIN") + backend::ready('T')),
        "before the answer");
}

TEST(execute, refuses_messages_out_of_order)
{
    pg::fsm::execute row_first(one_int4(), 0);
    expect_violation(feed(row_first, backend::row({backend::i32(1)})), "unexpected");
    pg::fsm::execute no_columns(nullptr, 0);
    expect_violation(feed(no_columns, backend::bind_complete() + backend::row({backend::i32(1)})), "DataRow");
    pg::fsm::execute early(one_int4(), 0);
    expect_violation(feed(early, backend::bind_complete() + backend::ready()), "before the answer");
    pg::fsm::execute wide(one_int4(), 0);
    expect_violation(feed(wide, backend::bind_complete() + backend::row({"a", "b"})), "DataRow");
    pg::fsm::execute cut(one_int4(), 0);
    expect_violation(
        feed(cut, backend::bind_complete() + backend::message('D', backend::i16(1) + backend::i32(9) + "short")),
        "DataRow");
}

TEST(execute, declines_copy_from_the_client_and_resynchronises)
{
    pg::fsm::execute machine(nullptr, 0);
    const auto declined = feed(machine, backend::bind_complete() + backend::message('G', std::string(3, '\0')));
    ASSERT_EQ(declined.next, action::send);
    EXPECT_EQ(declined.bytes.front(), 'f');
    EXPECT_EQ(declined.bytes.substr(declined.bytes.size() - 5), std::string("S\0\0\0\4", 5));
    expect_done(feed(machine, backend::error("57014", "COPY from stdin failed") + backend::ready()));
    EXPECT_TRUE(machine.error());
}

TEST(execute, refuses_copy_from_the_client_no_more_than_once)
{
    const auto asked = backend::message('G', backend::i16(0) + std::string(1, '\0'));
    for (const bool is_script : {false, true}) {
        pg::fsm::script script;
        pg::fsm::execute execute(nullptr, 0);
        pg::fsm::operation& machine = is_script ? static_cast<pg::fsm::operation&>(script) : execute;
        const auto first = feed(machine, (is_script ? "" : backend::bind_complete()) + asked);
        EXPECT_EQ(first.next, pg::fsm::action::send);
        expect_violation(feed(machine, asked), "after it was refused");
    }
}

TEST(execute, notices_that_copy_data_was_dropped)
{
    pg::fsm::execute machine(nullptr, 0);
    expect_done(feed(
        machine, backend::bind_complete() + backend::message('H', std::string(3, '\0')) + backend::message('d', "1\n") +
                     backend::message('c', {}) + backend::complete("COPY 1") + backend::ready()));
    EXPECT_TRUE(machine.dropped_copy());
}

TEST(script, returns_a_result_for_each_statement)
{
    pg::fsm::script machine;
    expect_done(feed(
        machine, backend::complete("CREATE TABLE") + backend::columns({{"a", 25}}, 0) + backend::row({"x"}) +
                     backend::complete("SELECT 1") + backend::message('I', {}) + backend::ready()));
    ASSERT_EQ(machine.answers().size(), 2U);
    EXPECT_EQ(machine.answers()[0].tag().text(), "CREATE TABLE");
    EXPECT_EQ(machine.answers()[1].size(), 1U);
}

TEST(script, ends_at_the_first_error)
{
    pg::fsm::script machine;
    expect_done(
        feed(machine, backend::complete("CREATE TABLE") + backend::error("42P07", "exists") + backend::ready()));
    EXPECT_TRUE(machine.error());
}

} // namespace
