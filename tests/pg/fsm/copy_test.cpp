// SPDX-License-Identifier: Apache-2.0
#include "../support/backend.hpp"
#include "../support/machine_script.hpp"
#include "pg/fsm/copy_in.hpp"
#include "pg/fsm/copy_out.hpp"

#include <gtest/gtest.h>

namespace {

using namespace tradecore;
using namespace tradecore::test;
using pg::fsm::action;

const std::string sync_message("S\0\0\0\4", 5);

std::string copy_response(char type, int columns, bool binary)
{
    std::string payload(1, static_cast<char>(binary));
    payload += backend::i16(columns);
    for (int i = 0; i < columns; ++i)
        payload += backend::i16(static_cast<int>(binary));
    return backend::message(type, payload);
}

const std::string begun = backend::parse_complete() + backend::bind_complete();

TEST(copy_in, takes_data_between_the_servers_invitation_and_its_end)
{
    pg::fsm::copy_in machine;
    EXPECT_EQ(feed(machine, begun).next, action::read);
    EXPECT_FALSE(machine.takes_data());
    EXPECT_EQ(feed(machine, copy_response('G', 3, true)).next, action::progress);
    EXPECT_TRUE(machine.takes_data());
    ASSERT_TRUE(machine.format());
    EXPECT_TRUE(machine.format()->binary);
    EXPECT_EQ(machine.format()->columns, 3U);
    machine.end_sent();
    expect_done(feed(machine, backend::complete("COPY 5") + backend::ready()));
    EXPECT_EQ(machine.tag().rows_affected(), 5U);
    EXPECT_FALSE(machine.error());
}

TEST(copy_in, asks_for_one_sync_when_the_server_ends_it)
{
    for (const auto& until : {std::string(), backend::parse_complete(), begun, begun + copy_response('G', 1, false)}) {
        pg::fsm::copy_in machine;
        feed(machine, until);
        const auto failed = feed(machine, backend::error("22P04", "extra data"));
        ASSERT_EQ(failed.next, action::send);
        EXPECT_EQ(failed.bytes, sync_message);
        EXPECT_TRUE(machine.refuses_data());
        EXPECT_FALSE(machine.takes_data());
        expect_done(feed(machine, backend::ready()));
        ASSERT_TRUE(machine.error());
        EXPECT_EQ(machine.error()->code.text(), "22P04");
    }
}

TEST(copy_in, asks_for_no_second_sync_when_the_end_was_sent)
{
    pg::fsm::copy_in machine;
    feed(machine, begun + copy_response('G', 1, false));
    machine.end_sent();
    expect_done(feed(machine, backend::error("23505", "duplicate") + backend::ready()));
    EXPECT_TRUE(machine.error());
}

TEST(copy_in, gives_up_with_copy_fail_and_sync)
{
    pg::fsm::copy_in machine;
    feed(machine, begun + copy_response('G', 1, false));
    const auto messages = machine.cancel();
    EXPECT_EQ(messages.front(), 'f');
    EXPECT_TRUE(messages.ends_with(sync_message));
    EXPECT_TRUE(machine.cancel().empty());
    expect_done(feed(machine, backend::error("57014", "COPY failed") + backend::ready()));
}

TEST(copy_in, gives_up_as_soon_as_the_server_would_take_data)
{
    pg::fsm::copy_in machine;
    EXPECT_TRUE(machine.cancel().empty());
    const auto last = feed(machine, begun + copy_response('G', 1, false));
    ASSERT_EQ(last.next, action::send);
    EXPECT_EQ(last.bytes.front(), 'f');
    EXPECT_TRUE(last.bytes.ends_with(sync_message));
    expect_done(feed(machine, backend::error("57014", "COPY failed") + backend::ready()));
}

TEST(copy_in, takes_an_error_after_command_complete_as_failure)
{
    pg::fsm::copy_in machine;
    feed(machine, begun + copy_response('G', 1, false));
    machine.end_sent();
    expect_done(feed(machine, backend::complete("COPY 1") + backend::error("23503", "deferred") + backend::ready()));
    EXPECT_TRUE(machine.error());
}

TEST(copy_in, ends_in_order_after_a_statement_that_is_no_copy)
{
    pg::fsm::copy_in rows;
    feed(rows, begun);
    const auto ended = feed(rows, backend::row({"1"}) + backend::complete("SELECT 1"));
    ASSERT_EQ(ended.next, action::send);
    EXPECT_EQ(ended.bytes, sync_message);
    EXPECT_FALSE(rows.was_copy());
    EXPECT_TRUE(rows.refuses_data());
    expect_done(feed(rows, backend::ready()));

    pg::fsm::copy_in out;
    feed(out, begun);
    EXPECT_EQ(
        feed(
            out, copy_response('H', 1, false) + backend::message('d', "1\n") + backend::message('c', {}) +
                     backend::complete("COPY 1"))
            .next,
        action::send);
    EXPECT_FALSE(out.was_copy());

    pg::fsm::copy_in empty;
    EXPECT_EQ(feed(empty, begun + backend::message('I', {})).next, action::send);
    expect_done(feed(empty, backend::ready()));
}

TEST(copy_in, refuses_messages_out_of_order)
{
    const auto invitation = copy_response('G', 1, false);
    const std::vector<std::pair<std::string, std::string>> scripts = {
        {backend::bind_complete(), "unexpected"},
        {backend::parse_complete() + backend::parse_complete(), "unexpected"},
        {backend::ready(), "before the answer"},
        {begun + backend::ready(), "before the answer"},
        {begun + invitation + invitation, "unexpected"},
        {begun + invitation + backend::complete("COPY 0"), "before the end"},
        {begun + invitation + backend::ready(), "before the answer"},
        {begun + backend::message('G', "x"), "CopyInResponse"},
        {begun + backend::message('G', std::string("\0\0\2\0\0", 5)), "CopyInResponse"},
        {begun + backend::message('W', std::string(3, '\0')), "unexpected"},
        {begun + backend::message('E', "nonsense"), "ErrorResponse"},
    };
    for (const auto& [script, why] : scripts) {
        pg::fsm::copy_in machine;
        expect_violation(feed(machine, script), why);
    }
    pg::fsm::copy_in after_error;
    feed(after_error, backend::error("42P01", "no such table"));
    expect_violation(feed(after_error, backend::bind_complete()), "after an error");
}

TEST(copy_out, keeps_what_comes_until_it_is_taken)
{
    pg::fsm::copy_out machine;
    EXPECT_EQ(feed(machine, begun + copy_response('H', 2, false)).next, action::progress);
    EXPECT_EQ(feed(machine, backend::message('d', "1\ta\n")).next, action::progress);
    EXPECT_EQ(machine.undelivered(), 4U);
    EXPECT_EQ(machine.take_data(), "1\ta\n");
    EXPECT_EQ(machine.undelivered(), 0U);
    feed(machine, backend::message('d', "2\tb\n"));
    expect_done(feed(machine, backend::message('c', {}) + backend::complete("COPY 2") + backend::ready()));
    EXPECT_EQ(machine.take_data(), "2\tb\n");
    EXPECT_EQ(machine.tag().rows_affected(), 2U);
    EXPECT_TRUE(machine.was_copy());
}

TEST(copy_out, pauses_when_too_much_waits)
{
    pg::fsm::copy_out machine(10);
    feed(machine, begun + copy_response('H', 1, false));
    EXPECT_EQ(feed(machine, backend::message('d', "12345\n")).next, action::progress);
    EXPECT_EQ(feed(machine, backend::message('d', "678\n")).next, action::pause);
    EXPECT_EQ(machine.most_undelivered(), 10U);
    EXPECT_EQ(machine.take_data(), "12345\n678\n");
    EXPECT_EQ(feed(machine, backend::message('d', "9\n")).next, action::progress);
    EXPECT_EQ(feed(machine, backend::message('d', "0\n")).next, action::read);
}

TEST(copy_out, drops_what_nobody_wants_any_more)
{
    pg::fsm::copy_out machine;
    feed(machine, begun + copy_response('H', 1, false) + backend::message('d', "1\n"));
    machine.drop();
    feed(machine, backend::message('d', "2\n"));
    EXPECT_EQ(machine.undelivered(), 0U);
    expect_done(feed(machine, backend::error("57014", "canceled") + backend::ready()));
    EXPECT_TRUE(machine.error());
}

TEST(copy_out, keeps_an_error_in_each_phase)
{
    const auto data = begun + copy_response('H', 1, false) + backend::message('d', "1\n");
    for (const auto& until :
         {std::string(), backend::parse_complete(), begun, data, data + backend::message('c', {})}) {
        pg::fsm::copy_out machine;
        feed(machine, until);
        expect_done(feed(machine, backend::error("22012", "division by zero") + backend::ready()));
        EXPECT_TRUE(machine.error());
    }
}

TEST(copy_out, declines_to_send_data)
{
    pg::fsm::copy_out machine;
    const auto declined = feed(machine, begun + copy_response('G', 1, false));
    ASSERT_EQ(declined.next, action::send);
    EXPECT_EQ(declined.bytes.front(), 'f');
    expect_done(feed(machine, backend::error("57014", "COPY failed") + backend::ready()));
    EXPECT_FALSE(machine.was_copy());
}

TEST(copy_out, passes_over_a_statement_that_is_no_copy)
{
    pg::fsm::copy_out machine;
    expect_done(feed(machine, begun + backend::row({"1"}) + backend::complete("SELECT 1") + backend::ready()));
    EXPECT_FALSE(machine.was_copy());
}

TEST(copy_out, refuses_messages_out_of_order)
{
    const auto invitation = copy_response('H', 1, false);
    const std::vector<std::pair<std::string, std::string>> scripts = {
        {backend::message('d', "1"), "unexpected"},
        {begun + backend::message('d', "1"), "unexpected"},
        {begun + invitation + backend::complete("COPY 0"), "unexpected"},
        {begun + invitation + backend::message('c', {}) + backend::message('d', "1"), "unexpected"},
        {begun + invitation + backend::ready(), "before the answer"},
        {begun + invitation + backend::message('c', {}) + backend::ready(), "before the answer"},
        {begun + backend::message('H', "x"), "CopyOutResponse"},
        {begun + backend::message('H', std::string("\7\0\0", 3)), "CopyOutResponse"},
    };
    for (const auto& [script, why] : scripts) {
        pg::fsm::copy_out machine;
        expect_violation(feed(machine, script), why);
    }
}

} // namespace
