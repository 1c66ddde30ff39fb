// SPDX-License-Identifier: Apache-2.0
#include "../support/conversation.hpp"

#include <tradecore/pg/connection.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

using namespace tradecore;
using namespace tradecore::test;

std::string out_of_date()
{
    return backend::error("26000", "prepared statement \"tc1\" does not exist") + backend::ready();
}

std::string nothing_prepared()
{
    return backend::parse_complete() + backend::parameters({}) + backend::no_data() + backend::ready();
}

std::string one_argument_prepared()
{
    return backend::parse_complete() + backend::parameters({23}) + backend::no_data() + backend::ready();
}

std::string done(std::string_view tag)
{
    return backend::bind_complete() + backend::complete(tag);
}

std::string failed_when_begun()
{
    return backend::bind_complete() + out_of_date();
}

TEST(repetition, of_a_statement_that_had_begun_is_harmless_unless_it_may_commit)
{
    struct one {
        const char* sql;
        bool begun;
        bool repeated;
    };
    for (const auto& [sql, begun, repeated] :
         {one{"UPDATE t SET n = n + 1", true, true}, one{"CALL p()", true, false}, one{"CALL p()", false, true},
          one{"-- all of them\n do $$BEGIN COMMIT; END$$", true, false}}) {
        conversation test;
        auto running = test.ask(sql);
        ASSERT_EQ(test.server.expect("PDS").size(), 3U);
        test.server.say(nothing_prepared());
        ASSERT_EQ(test.server.expect("BES").size(), 3U);
        test.server.say(begun ? failed_when_begun() : out_of_date());
        if (repeated) {
            ASSERT_TRUE(test.server.run_until([&] { return test.server.heard().ends_with("PDS"); })) << sql;
            (void)test.server.take_heard();
            test.server.say(nothing_prepared());
            ASSERT_EQ(test.server.expect("BES").size(), 3U);
            test.server.say(done("OK") + backend::ready());
            EXPECT_EQ(test.outcome(running).tag().text(), "OK");
        }
        else {
            EXPECT_NE(test.error_of<pg::server_error>(running).find("26000"), std::string::npos) << sql;
            EXPECT_EQ(test.server.heard(), "") << sql;
        }
    }
}

/// A batch of two commands that fails at the second.
struct failing_batch : conversation {
    failing_batch(pg::batch_mode mode, const char* first, const char* second)
    {
        pg::batch todo(mode);
        (void)todo.add_execute(runtime_sql(first));
        (void)todo.add_execute(runtime_sql(second));
        running.emplace(begin(db->run(std::move(todo))));
        EXPECT_EQ(server.expect("PDSPDS").size(), 6U);
        server.say(nothing_prepared() + nothing_prepared());
        const bool one = mode == pg::batch_mode::one_transaction;
        EXPECT_FALSE(server.expect(one ? "BEBES" : "BESBES").empty());
        server.say(done("OK") + (one ? "" : backend::ready()) + failed_when_begun());
    }
    bool is_repeated()
    {
        server.run_until([&] { return running->has_ended() || server.heard().ends_with("PDS"); });
        return !running->has_ended();
    }

    std::optional<task<pg::batch_answers>> running;
};

TEST(repetition, of_a_batch_is_harmless_unless_something_may_have_been_committed)
{
    using enum pg::batch_mode;
    EXPECT_TRUE(failing_batch(one_transaction, "UPDATE t SET n = 1", "UPDATE u SET n = 1").is_repeated());
    EXPECT_FALSE(failing_batch(one_transaction, "CALL p()", "UPDATE u SET n = 1").is_repeated());
    EXPECT_FALSE(failing_batch(one_transaction, "UPDATE t SET n = 1", "CALL p()").is_repeated());
    // Entries that are alone are repeated alone.
    EXPECT_TRUE(failing_batch(each_alone, "CALL p()", "UPDATE u SET n = 1").is_repeated());
    EXPECT_FALSE(failing_batch(each_alone, "UPDATE t SET n = 1", "CALL p()").is_repeated());
}

TEST(repetition, of_a_batch_is_not_tried_in_a_transaction_that_it_began)
{
    conversation test;
    pg::batch todo(pg::batch_mode::each_alone);
    (void)todo.add_execute("BEGIN");
    const auto second = todo.add_execute("UPDATE t SET n = 1");
    auto running = test.begin(test.db->run(std::move(todo)));
    ASSERT_EQ(test.server.expect("PDSPDS").size(), 6U);
    test.server.say(nothing_prepared() + nothing_prepared());
    ASSERT_EQ(test.server.expect("BESBES").size(), 6U);
    test.server.say(
        done("BEGIN") + backend::ready('T') + backend::error("26000", "no such statement") + backend::ready('E'));
    auto answers = test.outcome(running);
    EXPECT_THROW((void)answers.get(second), pg::invalid_sql_statement_name);
}

TEST(repetition, of_many_rows_is_harmless_unless_some_may_have_been_committed)
{
    for (const bool calls : {false, true}) {
        conversation test;
        auto running = test.begin(test.db->execute_many(
            runtime_sql(calls ? "CALL p($1)" : "INSERT INTO t VALUES ($1)"), std::vector<std::int32_t>{1, 2}));
        ASSERT_EQ(test.server.expect("PDS").size(), 3U);
        test.server.say(one_argument_prepared());
        ASSERT_EQ(test.server.expect("BEBES").size(), 5U);
        test.server.say(done("INSERT 0 1") + failed_when_begun());
        test.server.run_until([&] { return running.has_ended() || test.server.heard().ends_with("PDS"); });
        EXPECT_EQ(running.has_ended(), calls);
    }
}

} // namespace
