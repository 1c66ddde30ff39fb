// SPDX-License-Identifier: Apache-2.0
#include "pg/conninfo/test_environment.hpp"
#include "pg/support/wire_values.hpp"

#include <tradecore/pg/connect_options.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <stdexcept>

namespace tradecore::pg::conninfo {
namespace {

using namespace std::chrono_literals;
using test::variables;
using test::with_variables;

connect_options parse(std::string_view dsn, variables set)
{
    return connect_options::parse(dsn, with_variables(std::move(set)));
}

TEST(Environment, FillsInWhatTheStringLeavesOpen)
{
    const auto options = parse(
        "port=7", {{"PGHOST", "a,b"},
                   {"PGPORT", "1,2"},
                   {"PGUSER", "ann"},
                   {"PGPASSWORD", "secret"},
                   {"PGDATABASE", "shop"},
                   {"PGAPPNAME", "desk"},
                   {"PGCONNECT_TIMEOUT", "3"},
                   {"PGSSLMODE", "require"},
                   {"PGSSLROOTCERT", "/r"},
                   {"PGREQUIREAUTH", "!md5"},
                   {"PGOPTIONS", "-c a=b"},
                   {"PGPASSFILE", "/p"},
                   {"PGTARGETSESSIONATTRS", "primary"},
                   {"PGTZ", "Europe/Berlin"},
                   {"PGGEQO", "DEFAULT"},
                   {"PGDATESTYLE", "German"}});
    EXPECT_EQ(options.hosts, (std::vector<host_address>{{"a", "", 7}, {"b", "", 7}}));
    EXPECT_EQ(options.user, "ann");
    EXPECT_EQ(options.password, "secret");
    EXPECT_EQ(options.database, "shop");
    EXPECT_EQ(options.application_name, "desk");
    EXPECT_EQ(options.connect_timeout, 3s);
    EXPECT_EQ(options.tls.mode, ssl_mode::require);
    EXPECT_EQ(options.tls.root_certificate, "/r");
    EXPECT_FALSE(options.require_authentication.allows(authentication_method::md5));
    EXPECT_EQ(options.options, "-c a=b");
    EXPECT_EQ(options.passfile, "/p");
    EXPECT_EQ(options.target_session, target_session_attributes::primary);
    EXPECT_EQ(options.settings, (std::map<std::string, std::string>{{"TimeZone", "Europe/Berlin"}}));
}

TEST(Environment, IsOverruledByTheString)
{
    const variables set{{"PGHOST", "env"}, {"PGDATABASE", "env"}, {"PGSSLMODE", "require"}, {"PGAPPNAME", "env"}};
    const auto options = parse("postgresql://own/own?sslmode=disable&fallback_application_name=own", set);
    EXPECT_EQ(options.hosts[0].host, "own");
    EXPECT_EQ(options.database, "own");
    EXPECT_EQ(options.tls.mode, ssl_mode::disable);
    EXPECT_EQ(options.application_name, "env");
    // What is said to be empty is said.
    EXPECT_EQ(parse("host='' dbname=''", set).hosts[0].host, "/var/run/postgresql");
    EXPECT_EQ(parse("host='' dbname=''", set).database, "");
    // But a URI without a part says nothing about it.
    EXPECT_EQ(parse("postgresql:///", set).hosts[0].host, "env");
}

TEST(Environment, KnowsTheOldWayToAskForTls)
{
    EXPECT_EQ(parse("", {{"PGREQUIRESSL", "1"}}).tls.mode, ssl_mode::require);
    EXPECT_EQ(parse("", {{"PGREQUIRESSL", "0"}}).tls.mode, ssl_mode::prefer);
    EXPECT_EQ(parse("", {{"PGREQUIRESSL", "1"}, {"PGSSLMODE", "allow"}}).tls.mode, ssl_mode::allow);
    EXPECT_EQ(parse("", {{"PGREQUIRESSL", "1"}, {"PGSSLROOTCERT", "/r"}}).tls.mode, ssl_mode::require);
    EXPECT_EQ(parse("", {{"PGSSLROOTCERT", "system"}}).tls.mode, ssl_mode::verify_full);
}

TEST(Environment, SaysWhereHomeIs)
{
    const auto options = parse("", {{"HOME", "/elsewhere"}});
    EXPECT_EQ(options.passfile, "/elsewhere/.pgpass");
    EXPECT_EQ(options.tls.default_folder, "/elsewhere/.postgresql");
    EXPECT_EQ(parse("", {{"HOME", ""}}).passfile, "/home/of/system/.pgpass");
    auto homeless = with_variables({});
    homeless.home.clear();
    EXPECT_EQ(connect_options::parse("", homeless).passfile, "");
    EXPECT_EQ(connect_options::parse("", homeless).tls.default_folder, "");
}

TEST(Environment, NamesTheVariableThatIsWrong)
{
    const std::vector<std::tuple<const char*, std::string, const char*>> table = {
        {"PGPORT", "many", "port must be a number from 1 to 65535"},
        {"PGPORT", "1,2", "port has 2 items for 1 host: it must be one or as many"},
        {"PGSSLMODE", "", "sslmode must be disable, allow, prefer, require, verify-ca or verify-full"},
        {"PGCONNECT_TIMEOUT", "", "connect_timeout must be a number from -2147483648 to 2147483647"},
        {"PGCLIENTENCODING", "LATIN1", "client_encoding must be UTF8: text is UTF-8 on both sides of this library"},
        {"PGGSSENCMODE", "require", "gssencmode must be disable or prefer: GSSAPI is not supported"},
        {"PGUSER", std::string("a\0b", 3), "contains NUL"},
    };
    for (const auto& [name, text, reason] : table) {
        const variables set{{name, text}};
        EXPECT_EQ(
            test::message_of<std::invalid_argument>([&] { (void)parse("", set); }),
            std::string("environment variable ") + name + ": " + reason);
    }
}

TEST(Environment, OfTheProcessHasItsVariablesAndItsUser)
{
    const auto own = environment::of_process();
    ASSERT_EQ(setenv("TRADECORE_CONNINFO_TEST", "here", 1), 0);
    EXPECT_EQ(own.variable("TRADECORE_CONNINFO_TEST"), "here");
    ASSERT_EQ(unsetenv("TRADECORE_CONNINFO_TEST"), 0);
    EXPECT_EQ(own.variable("TRADECORE_CONNINFO_TEST"), std::nullopt);
    EXPECT_FALSE(own.user_name.empty());
    EXPECT_FALSE(own.home.empty());
}

} // namespace
} // namespace tradecore::pg::conninfo
