// SPDX-License-Identifier: Apache-2.0
#include "embedded/folder.hpp"
#include "support/test_server.hpp"

#include <tradecore/embedded/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

namespace embedded = tradecore::embedded;
namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(postmaster_file, is_ready_when_its_eighth_line_says_so)
{
    const auto ready = embedded::parse_postmaster_file("42\n/d\n1700000000\n5432\n/run\n\n  1 2\nready   \n");
    ASSERT_TRUE(ready);
    EXPECT_EQ(ready->process, 42);
    EXPECT_TRUE(ready->ready);
    EXPECT_FALSE(embedded::parse_postmaster_file("42\n/d\n1700000000\n5432\n/run\n\n  1 2\nstarting\n")->ready);
}

TEST(postmaster_file, may_be_read_while_it_is_written)
{
    EXPECT_EQ(embedded::parse_postmaster_file(""), std::nullopt);
    EXPECT_EQ(embedded::parse_postmaster_file("-1\n"), std::nullopt);
    const auto partial = embedded::parse_postmaster_file("42\n/d\n17");
    ASSERT_TRUE(partial);
    EXPECT_EQ(partial->process, 42);
    EXPECT_FALSE(partial->ready);
}

TEST(private_folder, refuses_a_folder_with_other_things_in_it)
{
    const tradecore::test::temporary_folder folder;
    std::ofstream{folder.path() / "thesis.txt"} << "precious";
    try {
        const embedded::private_folder mine{folder.path(), embedded::calling_account()};
        FAIL() << "accepted";
    }
    catch (const embedded::error& problem) {
        EXPECT_THAT(problem.what(), HasSubstr(folder.path().string()));
        EXPECT_THAT(problem.what(), HasSubstr("not empty"));
    }
}

TEST(private_folder, refuses_what_is_no_folder)
{
    const tradecore::test::temporary_folder folder;
    std::ofstream{folder.path() / "file"} << "x";
    EXPECT_THROW((embedded::private_folder{folder.path() / "file", embedded::calling_account()}), embedded::error);
}

TEST(private_folder, belongs_to_one_program_at_a_time)
{
    const tradecore::test::temporary_folder folder;
    const auto me = embedded::calling_account();
    {
        const embedded::private_folder first{folder.path(), me};
        try {
            const embedded::private_folder second{folder.path(), me};
            FAIL() << "accepted";
        }
        catch (const embedded::folder_in_use& problem) {
            EXPECT_EQ(problem.holder(), ::getpid());
            EXPECT_THAT(problem.what(), HasSubstr(folder.path().string()));
            EXPECT_THAT(problem.what(), HasSubstr(std::to_string(::getpid())));
        }
    }
    EXPECT_NO_THROW((embedded::private_folder{folder.path(), me}));
}

TEST(private_folder, keeps_the_socket_inside_when_its_path_fits)
{
    const tradecore::test::temporary_folder folder;
    const auto me = embedded::calling_account();
    embedded::private_folder mine{folder.path(), me};
    mine.admit(me);
    EXPECT_EQ(mine.socket_folder(me, 5432), mine.root() / "run");
}

TEST(private_folder, puts_the_socket_of_a_long_path_elsewhere_and_remembers_it)
{
    const tradecore::test::temporary_folder folder;
    const auto me = embedded::calling_account();
    embedded::private_folder mine{folder.path() / std::string(90, 'x'), me};
    mine.admit(me);
    const fs::path first = mine.socket_folder(me, 5432);
    EXPECT_NE(first.parent_path(), mine.root());
    EXPECT_EQ(fs::status(first).permissions(), fs::perms::owner_all);
    EXPECT_EQ(mine.socket_folder(me, 5432), first);

    fs::permissions(first, fs::perms::all); // somebody opened it to everybody: it is not trusted any more
    const fs::path second = mine.socket_folder(me, 5432);
    EXPECT_NE(second, first);
    fs::remove(first);

    mine.drop_socket_folder(second);
    EXPECT_FALSE(fs::exists(second));
}
