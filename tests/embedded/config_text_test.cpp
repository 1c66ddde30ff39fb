// SPDX-License-Identifier: Apache-2.0
#include "embedded/config_text.hpp"

#include <tradecore/embedded/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace embedded = tradecore::embedded;
using testing::HasSubstr;
using testing::Not;

namespace {

std::string conf(const embedded::options& wanted)
{
    return embedded::postgresql_conf(wanted, 5432, "/data/tc", "/data/tc/run");
}

} // namespace

TEST(postgresql_conf, listens_on_nothing_but_the_socket)
{
    const std::string text = conf({});
    EXPECT_THAT(text, HasSubstr("\nlisten_addresses = ''\n"));
    EXPECT_THAT(text, HasSubstr("\nunix_socket_directories = '/data/tc/run'\n"));
    EXPECT_THAT(text, HasSubstr("\nunix_socket_permissions = '0700'\n"));
    EXPECT_THAT(text, HasSubstr("\nhba_file = '/data/tc/pg_hba.conf'\n"));
}

TEST(postgresql_conf, keeps_what_was_committed)
{
    EXPECT_THAT(conf({}), HasSubstr("\nfsync = 'on'\n"));
    EXPECT_THAT(conf({}), HasSubstr("\nsynchronous_commit = 'on'\n"));
}

TEST(postgresql_conf, puts_the_callers_settings_last_where_they_win)
{
    embedded::options wanted;
    wanted.max_connections = 321;
    wanted.settings["jit"] = "on";
    const std::string text = conf(wanted);
    EXPECT_THAT(text, HasSubstr("\nmax_connections = '321'\n"));
    EXPECT_LT(text.find("\njit = 'off'\n"), text.find("\njit = 'on'\n"));
    EXPECT_NE(text.find("\njit = 'on'\n"), std::string::npos);
}

TEST(postgresql_conf, listens_on_loopback_only_when_asked)
{
    embedded::options wanted;
    wanted.tcp_port = 6000;
    EXPECT_THAT(
        embedded::postgresql_conf(wanted, 6000, "/d", "/d/run"), HasSubstr("\nlisten_addresses = '127.0.0.1'\n"));
}

TEST(postgresql_conf, quotes_values)
{
    embedded::options wanted;
    wanted.settings["search_path"] = R"("it's", a\b)";
    EXPECT_THAT(conf(wanted), HasSubstr(R"(search_path = '"it''s", a\\b')"));
}

TEST(postgresql_conf, refuses_settings_that_would_become_other_settings)
{
    embedded::options wanted;
    wanted.settings["work_mem"] = "4MB'\nlisten_addresses = '*";
    try {
        conf(wanted);
        FAIL() << "accepted";
    }
    catch (const embedded::error& problem) {
        EXPECT_THAT(problem.what(), HasSubstr("work_mem"));
    }
    wanted.settings = {{"a = 1\nfsync", "off"}};
    EXPECT_THROW(conf(wanted), embedded::error);
    wanted.settings = {{"", "off"}};
    EXPECT_THROW(conf(wanted), embedded::error);
}

TEST(pg_hba_conf, lets_in_only_users_the_kernel_vouches_for)
{
    const std::string text = embedded::pg_hba_conf({});
    EXPECT_THAT(text, HasSubstr("\nlocal all all peer map=tradecore\n"));
    EXPECT_THAT(text, Not(HasSubstr("host")));
    EXPECT_THAT(text, Not(HasSubstr("trust")));
}

TEST(pg_hba_conf, puts_further_lines_first_where_they_win)
{
    embedded::options wanted;
    wanted.tcp_port = 0;
    wanted.hba_lines = {"local all guest trust"};
    const std::string text = embedded::pg_hba_conf(wanted);
    EXPECT_LT(text.find("guest"), text.find("peer"));
    EXPECT_THAT(text, HasSubstr("\nhost all all 127.0.0.1/32 scram-sha-256\n"));
}

TEST(pg_ident_conf, maps_each_user_to_the_superuser)
{
    const std::string text = embedded::pg_ident_conf({"root", "jo doe"});
    EXPECT_THAT(text, HasSubstr("tradecore \"root\" tradecore\n"));
    EXPECT_THAT(text, HasSubstr("tradecore \"jo doe\" tradecore\n"));
    EXPECT_THROW(embedded::pg_ident_conf({"a\"b"}), embedded::error);
    EXPECT_THROW(embedded::pg_ident_conf({"/^.*$"}), embedded::error); // would be a pattern that everybody matches
}

TEST(socket_folder, is_usable_up_to_the_last_byte_a_socket_path_may_have)
{
    const std::string longest(embedded::longest_socket_path - std::string{"/.s.PGSQL.5432"}.size(), 'x');
    const std::string folder = "/" + longest.substr(1);
    EXPECT_TRUE(embedded::usable_socket_folder(folder, 5432));
    EXPECT_FALSE(embedded::usable_socket_folder(folder + "x", 5432));
    EXPECT_FALSE(embedded::usable_socket_folder(folder, 54321));
}

TEST(socket_folder, is_not_usable_when_it_would_need_quoting_or_is_relative)
{
    EXPECT_FALSE(embedded::usable_socket_folder("/a,b", 5432));
    EXPECT_FALSE(embedded::usable_socket_folder("/a b", 5432));
    EXPECT_FALSE(embedded::usable_socket_folder("a/b", 5432));
}

TEST(socket_dsn, encodes_what_is_not_plain)
{
    EXPECT_EQ(
        embedded::socket_dsn("tradecore", "a db/ü", "/run/x_1", 5433),
        "postgresql://tradecore@/a%20db%2F%C3%BC?host=%2Frun%2Fx_1&port=5433");
}
