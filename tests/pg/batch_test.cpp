// SPDX-License-Identifier: Apache-2.0
#include "pg/leading_keyword.hpp"
#include "support/wire_values.hpp"

#include <tradecore/pg/batch.hpp>
#include <tradecore/pg/error.hpp>

#include <gtest/gtest.h>

namespace tradecore::pg {
namespace {

using test::message_of;

TEST(begins_with_keyword, looks_behind_blanks_and_comments)
{
    using detail::begins_with_keyword;
    for (const auto* sql :
         {"COPY t FROM STDIN", "copy t", " \n\tCopy(SELECT 1)", "-- a\ncopy t", "/* x /* y */ */COPY t", ";; copy t",
          "copy"})
        EXPECT_TRUE(begins_with_keyword(sql, "copy")) << sql;
    for (const auto* sql :
         {"", "cop", "copy_t", "copying", "SELECT 'copy'", "-- copy", "/* copy", "/*", "--", "c0py t"})
        EXPECT_FALSE(begins_with_keyword(sql, "copy")) << sql;
}

TEST(copies_through_client, looks_for_the_place_of_the_data)
{
    using detail::copies_through_client;
    for (const auto* sql :
         {"COPY t FROM STDIN", "copy s.t (a, b) from stdin with (format csv)", "COPY BINARY t TO stdout",
          "COPY (SELECT a FROM \"to\") TO STDOUT", "COPY(SELECT ')' ) TO/**/STDOUT", "COPY (SELECT E'\\')') TO STDOUT",
          "COPY (SELECT $x$)'$x$) TO STDOUT", "COPY \"from \"\" (\" FROM -- here\n STDIN", "; COPY t FROM STDOUT"})
        EXPECT_TRUE(copies_through_client(sql)) << sql;
    for (const auto* sql :
         {"COPY t FROM '/data/t'", "COPY t TO 'stdout'", "COPY t FROM PROGRAM 'cat STDIN'",
          "COPY (SELECT a FROM stdin) TO '/data/t'", "COPY t FROM \"STDIN\"", "SELECT 'COPY t FROM STDIN'", "COPY", "",
          "COPY (((", "COPY '", "COPY \"", "COPY $a$ FROM STDIN", "COPY t (stdin) FROM 'to stdout'", "COPY t FROM"})
        EXPECT_FALSE(copies_through_client(sql)) << sql;
}

TEST(may_commit, knows_what_ends_transactions)
{
    for (const auto* sql : {"CALL p()", "/* */ do $$BEGIN END$$", "commit", "END", "PREPARE TRANSACTION 'x'"})
        EXPECT_TRUE(detail::may_commit(sql)) << sql;
    for (const auto* sql : {"", "SELECT commit()", "UPDATE t SET a = 1", "document", "ended"})
        EXPECT_FALSE(detail::may_commit(sql)) << sql;
}

TEST(controls_transaction, knows_what_begins_and_ends_one)
{
    for (const auto* sql :
         {"BEGIN", "/* */ start transaction", "; Commit", "END", "ABORT", "ROLLBACK", "ROLLBACK AND CHAIN",
          "ROLLBACK WORK", "rollback prepared 'x'", "COMMIT PREPARED 'x'", "PREPARE TRANSACTION 'x'"})
        EXPECT_TRUE(detail::controls_transaction(sql)) << sql;
    for (const auto* sql :
         {"", "SELECT 'commit'", "SAVEPOINT a", "RELEASE a", "ROLLBACK TO a", "rollback work to savepoint a",
          "ROLLBACK TRANSACTION TO a", "PREPARE p AS SELECT 1", "ended"})
        EXPECT_FALSE(detail::controls_transaction(sql)) << sql;
}

TEST(batch, keeps_entries_with_their_arguments_encoded)
{
    batch todo;
    {
        const std::string dies = "early";
        (void)todo.add<int>("SELECT length($1)", dies);
    }
    (void)todo.add_execute("UPDATE t SET a = $1 WHERE b = $2", 1, 2);
    ASSERT_EQ(todo.size(), 2U);
    EXPECT_EQ(todo.entries()[0].arguments.describe(100), "'early'");
    EXPECT_EQ(todo.entries()[1].verb, "EXECUTE");
}

TEST(batch, refuses_copy)
{
    batch todo;
    EXPECT_NE(
        message_of<argument_error>([&] { (void)todo.add_execute("COPY t FROM STDIN"); }).find("COPY"),
        std::string::npos);
    EXPECT_EQ(todo.size(), 0U);
}

TEST(batch, that_is_one_transaction_refuses_to_begin_and_end_one)
{
    batch together;
    (void)together.add_execute("INSERT INTO t VALUES (1)");
    for (const auto* sql : {"BEGIN", "COMMIT", "ROLLBACK", "END", "PREPARE TRANSACTION 'x'"})
        EXPECT_NE(
            message_of<argument_error>([&] { (void)together.add_execute(runtime_sql(sql)); }).find("one transaction"),
            std::string::npos)
            << sql;
    (void)together.add_execute("ROLLBACK TO SAVEPOINT a");
    EXPECT_EQ(together.size(), 2U);

    batch alone(batch_mode::each_alone);
    (void)alone.add_execute("COMMIT");
    EXPECT_EQ(alone.size(), 1U);
}

batch_answers answers_of(const batch& asked, bool fails)
{
    const row_description columns{{.name = "n", .type = oids::int4}};
    std::vector<batch_answers::outcome> outcomes(asked.size());
    for (auto& each : outcomes)
        each.rows = test::make_result(columns, {{test::big_endian(7)}});
    if (fails) {
        outcomes[0].error = std::make_exception_ptr(batch_aborted(1, "undone with entry 1"));
        outcomes[1].error = std::make_exception_ptr(argument_error("argument $1: of the wrong kind"));
    }
    return {asked.id(), std::move(outcomes)};
}

TEST(batch_answers, are_got_by_handle_and_typed)
{
    batch asked;
    const auto value = asked.add<int>("SELECT 1");
    const auto row = asked.add_row<int>("SELECT 1");
    const auto rows = asked.add_rows<std::int64_t>("SELECT 1");
    const auto tag = asked.add_execute("SELECT 1");
    const auto untyped = asked.add_fetch("SELECT 1");
    auto answers = answers_of(asked, false);
    EXPECT_EQ(answers.get(value), 7);
    EXPECT_EQ(answers.get(row), 7);
    EXPECT_EQ(answers.get(rows), std::vector<std::int64_t>{7});
    EXPECT_EQ(answers.get(tag).text(), "SELECT 1");
    EXPECT_EQ(answers.get(untyped).size(), 1U);
    answers.require_success();
}

TEST(batch_answers, throw_each_entrys_own_error)
{
    batch asked;
    const auto first = asked.add<int>("SELECT 1");
    const auto second = asked.add<int>("SELECT 1");
    const auto third = asked.add<int>("SELECT 1");
    auto answers = answers_of(asked, true);
    EXPECT_THROW((void)answers.get(first), batch_aborted);
    EXPECT_THROW((void)answers.get(second), argument_error);
    EXPECT_EQ(answers.get(third), 7);
    EXPECT_NE(message_of<argument_error>([&] { answers.require_success(); }).find("wrong kind"), std::string::npos);
}

TEST(batch_answers, refuse_handles_of_other_batches)
{
    batch asked;
    (void)asked.add<int>("SELECT 1");
    batch other;
    const auto strange = other.add<int>("SELECT 1");
    auto answers = answers_of(asked, false);
    EXPECT_NE(message_of<argument_error>([&] { (void)answers.get(strange); }).find("handle"), std::string::npos);
}

} // namespace
} // namespace tradecore::pg
