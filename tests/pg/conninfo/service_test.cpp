// SPDX-License-Identifier: Apache-2.0
#include "pg/conninfo/test_environment.hpp"
#include "pg/support/wire_values.hpp"

#include <tradecore/pg/connect_options.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace tradecore::pg::conninfo {
namespace {

using test::scratch_folder;
using test::variables;
using test::with_variables;

connect_options parse(std::string_view dsn, variables set)
{
    return connect_options::parse(dsn, with_variables(std::move(set)));
}

std::string refusal(std::string_view dsn, const variables& set)
{
    return test::message_of<std::invalid_argument>([&] { (void)parse(dsn, set); });
}

constexpr auto two_services = "# where the shop is\n"
                              "[other]\nhost=wrong\n\n"
                              "  [shop]  \nhost=db.example\n port=6000\r\noptions=-c a=b \npassword=secret\n"
                              "[last]\nhost=wrong\n";

TEST(Service, FillsInWhatTheStringLeavesOpen)
{
    const scratch_folder folder;
    const variables set{{"PGSERVICEFILE", folder.write("services", two_services)}, {"PGPORT", "7"}, {"PGUSER", "eve"}};
    const auto options = parse("service=shop dbname=own host=mine", set);
    EXPECT_EQ(options.hosts, (std::vector<host_address>{{"mine", "", 6000}}));
    EXPECT_EQ(options.options, "-c a=b");
    EXPECT_EQ(options.password, "secret");
    EXPECT_EQ(options.database, "own");
    EXPECT_EQ(options.user, "eve");
    EXPECT_EQ(parse("postgresql:///?service=shop", set).hosts[0].host, "db.example");
}

TEST(Service, CanBeNamedByTheEnvironment)
{
    const scratch_folder folder;
    const auto file = folder.write("services", two_services);
    EXPECT_EQ(parse("", {{"PGSERVICE", "shop"}, {"PGSERVICEFILE", file}}).hosts[0].host, "db.example");
    EXPECT_EQ(parse("service=other", {{"PGSERVICE", "shop"}, {"PGSERVICEFILE", file}}).hosts[0].host, "wrong");
}

TEST(Service, IsLookedForAtHomeAndThenInTheSystem)
{
    const scratch_folder home;
    const scratch_folder system;
    (void)home.write(".pg_service.conf", "[both]\nhost=home\n[here]\nhost=home\n");
    (void)system.write("pg_service.conf", "[both]\nhost=system\n[there]\nhost=system\n");
    const variables set{{"HOME", home.path()}, {"PGSYSCONFDIR", system.path()}};
    EXPECT_EQ(parse("service=both", set).hosts[0].host, "home");
    EXPECT_EQ(parse("service=here", set).hosts[0].host, "home");
    EXPECT_EQ(parse("service=there", set).hosts[0].host, "system");
    EXPECT_EQ(parse("service=there", {{"PGSYSCONFDIR", system.path()}}).hosts[0].host, "system");

    auto from = with_variables({});
    from.home = home.path();
    from.system_folder = system.path();
    EXPECT_EQ(connect_options::parse("service=here", from).hosts[0].host, "home");
    EXPECT_EQ(connect_options::parse("service=there", from).hosts[0].host, "system");
}

TEST(Service, MustExist)
{
    const scratch_folder folder;
    const auto file = folder.write("services", two_services);
    EXPECT_EQ(
        refusal("service=gone", {{"PGSERVICEFILE", file}}),
        "connection string: service \"gone\" is in no service file");
    EXPECT_EQ(
        refusal("service=sho", {{"PGSERVICEFILE", file}}), "connection string: service \"sho\" is in no service file");
    EXPECT_EQ(
        refusal("", {{"PGSERVICE", "gone"}}), "environment variable PGSERVICE: service \"gone\" is in no service file");
    EXPECT_EQ(
        refusal("service=shop", {{"PGSERVICEFILE", folder.path() + "/none"}}),
        "service file " + folder.path() + "/none: cannot be read");
}

TEST(Service, SaysWhichLineIsWrong)
{
    const scratch_folder folder;
    const std::vector<std::pair<std::string, std::string>> table = {
        {"host", "there must be keyword=value"},
        {"colour=red", "keyword \"colour\" is not known"},
        {"host =db", "a keyword is not known"},
        {"service=other", "a service cannot name another"},
        {"ldap://ldap.example/dc=x", "LDAP is not supported"},
        {"port=many", "port must be a number from 1 to 65535"},
        {"sslmode=yes", "sslmode must be disable, allow, prefer, require, verify-ca or verify-full"},
        {std::string("user=a\0b", 8), "user contains NUL"},
    };
    for (const auto& [line, reason] : table) {
        const auto file = folder.write("services", fmt::format("[shop]\n\n{}\n", line));
        EXPECT_EQ(
            refusal("service=shop", {{"PGSERVICEFILE", file}}),
            fmt::format("service file {}, line 3: {}", file, reason));
    }
    // Other services' mistakes are theirs.
    const auto file = folder.write("services", "[shop]\nhost=db\n[other]\ncolour=red\n");
    EXPECT_EQ(refusal("service=shop", {{"PGSERVICEFILE", file}}), "(nothing thrown)");
}

} // namespace
} // namespace tradecore::pg::conninfo
