// SPDX-License-Identifier: Apache-2.0
#include "embedded/installation.hpp"
#include "support/test_server.hpp"

#include <tradecore/embedded/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace embedded = tradecore::embedded;
namespace fs = std::filesystem;
using testing::HasSubstr;

namespace {

void add_program(const fs::path& path)
{
    fs::create_directories(path.parent_path());
    std::ofstream{path} << "#!/bin/false\n";
    fs::permissions(path, fs::perms::owner_all);
}

std::string failure_of(const std::vector<embedded::installation>& installed, std::optional<int> wanted)
{
    try {
        embedded::choose(installed, wanted);
    }
    catch (const embedded::error& problem) {
        return problem.what();
    }
    return "no error";
}

} // namespace

TEST(installation, lists_whole_installations_newest_first)
{
    const tradecore::test::temporary_folder root;
    for (const char* const version : {"9.6", "12", "15", "9", "17", "16", "old"}) {
        add_program(root.path() / version / "bin/postgres");
        if (std::string{version} != "17") // a client-only installation has no initdb
            add_program(root.path() / version / "bin/initdb");
    }
    const auto found = embedded::installations_below(root.path());
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].major, 16);
    EXPECT_EQ(found[0].programs, root.path() / "16/bin");
    EXPECT_EQ(found[1].major, 15);
}

TEST(installation, of_a_folder_that_is_not_there_is_empty)
{
    EXPECT_TRUE(embedded::installations_below("/nonexistent").empty());
}

TEST(installation, chooses_the_newest_for_new_data_and_the_same_for_old)
{
    const std::vector<embedded::installation> installed{{15, "/a"}, {17, "/b"}, {16, "/c"}};
    EXPECT_EQ(embedded::choose(installed, std::nullopt).major, 17);
    EXPECT_EQ(embedded::choose(installed, 16).programs, "/c");
}

TEST(installation, error_names_the_package_to_install)
{
    EXPECT_THAT(failure_of({}, std::nullopt), HasSubstr("apt-get install postgresql-15"));
    EXPECT_THAT(failure_of({}, 14), HasSubstr("postgresql-14"));
    EXPECT_THAT(
        failure_of({{15, "/a"}, {16, "/b"}}, 13),
        HasSubstr("PostgreSQL 13, which is not installed (installed: 15, 16"));
}

TEST(installation, reads_the_version_out_of_an_answer)
{
    EXPECT_EQ(embedded::major_of("postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n"), 15);
    EXPECT_EQ(embedded::major_of("postgres (PostgreSQL) 18beta1"), 18);
    EXPECT_EQ(embedded::major_of("postgres (PostgreSQL) devel"), std::nullopt);
    EXPECT_EQ(embedded::major_of(""), std::nullopt);
}

TEST(installation, in_path_skips_relative_and_partial_entries)
{
    const tradecore::test::temporary_folder root;
    add_program(root.path() / "half/postgres");
    add_program(root.path() / "whole/postgres");
    add_program(root.path() / "whole/initdb");
    const std::string whole = (root.path() / "whole").string();
    EXPECT_EQ(embedded::programs_in_path(".::/nonexistent:" + (root.path() / "half").string() + ":" + whole), whole);
    EXPECT_EQ(embedded::programs_in_path(""), std::nullopt);
    EXPECT_EQ(embedded::programs_in_path("bin:."), std::nullopt);
}
