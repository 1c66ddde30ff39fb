// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/session_changes.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tradecore::pg::engine {
namespace {

bool alter(std::initializer_list<const char*> tags)
{
    session_changes watched;
    for (const char* tag : tags)
        watched.on_command(std::string(tag) + '\0');
    return watched.happened();
}

TEST(session_changes, sees_commands_that_outlive_their_transaction)
{
    for (const char* tag :
         {"SET", "RESET", "LISTEN", "LOAD", "PREPARE", "DECLARE CURSOR", "DISCARD ALL", "DISCARD TEMP"})
        EXPECT_TRUE(alter({tag})) << tag;
    for (const char* tag :
         {"SELECT 1", "INSERT 0 1", "BEGIN", "COMMIT", "ROLLBACK", "SET CONSTRAINTS", "UNLISTEN", "DEALLOCATE",
          "PREPARE TRANSACTION", "CREATE TABLE", "CREATE TABLESPACE", "COPY 5", "DO", ""})
        EXPECT_FALSE(alter({tag})) << tag;
}

TEST(session_changes, takes_settings_inside_a_transaction_for_local_ones)
{
    EXPECT_FALSE(alter({"BEGIN", "SET", "SELECT 1", "COMMIT"}));
    EXPECT_FALSE(alter({"START TRANSACTION", "SET"}));
    EXPECT_TRUE(alter({"BEGIN", "SET", "COMMIT", "SET"}));
    EXPECT_TRUE(alter({"BEGIN", "LISTEN", "COMMIT"}));
}

TEST(session_changes, believes_the_server_rather_than_tags)
{
    session_changes watched;
    const std::string set("SET\0", 4);
    watched.on_command(std::string("BEGIN\0", 6));
    watched.on_command(std::string("ROLLBACK\0", 9)); // to a savepoint
    watched.on_ready(true);
    watched.on_command(set);
    EXPECT_FALSE(watched.happened());
    watched.on_ready(false);
    watched.on_command(set);
    EXPECT_TRUE(watched.happened());
    watched.forget();
    EXPECT_FALSE(watched.happened());
}

} // namespace
} // namespace tradecore::pg::engine
