// SPDX-License-Identifier: Apache-2.0
#include "pg/support/wire_values.hpp"

#include <tradecore/pg/connect_options.hpp>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace tradecore::pg {
namespace {

using namespace std::chrono_literals;

struct expected {
    const char* dsn;
    const char* host;
    std::uint16_t port;
    const char* user;
    const char* password;
    const char* database;
};

TEST(ConnectOptions, ReadUrisAndKeywords)
{
    const std::vector<expected> table = {
        {"postgresql://ann:s%40crt@db.example:6000/shop", "db.example", 6000, "ann", "s@crt", "shop"},
        {"postgres://ann@db/shop", "db", 5432, "ann", "", "shop"},
        {"postgresql://ann@%2Frun%2Fpostgresql/shop", "/run/postgresql", 5432, "ann", "", "shop"},
        {"postgresql://ann@/shop?host=/tmp/pg&port=6001", "/tmp/pg", 6001, "ann", "", "shop"},
        {"postgresql:///shop?user=ann", "/var/run/postgresql", 5432, "ann", "", "shop"},
        {"postgresql://ann@[::1]:6002/shop", "::1", 6002, "ann", "", "shop"},
        {"postgresql://ann:a:b@db", "db", 5432, "ann", "a:b", ""},
        {"postgresql://db?user=ann&password=a%26b", "db", 5432, "ann", "a&b", ""},
        {"host=db port=6000 user=ann password=secret dbname=shop", "db", 6000, "ann", "secret", "shop"},
        {"host = '/run/pg' user= 'an\\'n'  password='a b\\\\'", "/run/pg", 5432, "an'n", "a b\\", ""},
        {"user=ann password=a\\ b", "/var/run/postgresql", 5432, "ann", "a b", ""},
    };
    for (const auto& [dsn, host, port, user, password, database] : table) {
        const auto options = connect_options::parse(dsn);
        EXPECT_EQ(options.hosts.at(0).host, host) << dsn;
        EXPECT_EQ(options.hosts.at(0).port, port) << dsn;
        EXPECT_EQ(options.user, user) << dsn;
        EXPECT_EQ(options.password, password) << dsn;
        EXPECT_EQ(options.database, database) << dsn;
    }
}

TEST(ConnectOptions, ReadTheRest)
{
    const auto options = connect_options::parse(
        "postgresql://ann@db/shop?application_name=desk%201&connect_timeout=3&statement_timeout=250&sslmode=prefer"
        "&search_path=app,public");
    EXPECT_EQ(options.application_name, "desk 1");
    EXPECT_EQ(options.connect_timeout, 3s);
    EXPECT_EQ(options.statement_timeout, 250ms);
    EXPECT_EQ(options.settings.at("search_path"), "app,public");
    EXPECT_FALSE(connect_options::parse("host=db").user.empty());
}

TEST(ConnectOptions, SayWhatIsWrong)
{
    const std::vector<std::pair<const char*, const char*>> table = {
        {"mysql://db/shop", "the scheme of a URI must be postgresql or postgres"},
        {"host=db colour=red", "unknown keyword \"colour\""},
        {"postgresql://db?colour=red", "unknown keyword \"colour\""},
        {"postgresql://db:0/shop", "port must be a number from 1 to 65535"},
        {"postgresql://db:70000/shop", "port must be a number from 1 to 65535"},
        {"postgresql://db:50x/shop", "port must be a number from 1 to 65535"},
        {"postgresql://d%zzb/shop", "host: a % must be followed by two hexadecimal digits"},
        {"postgresql://[::1/shop", "host: an IPv6 address must end with ]"},
        {"postgresql://a,b/shop", "host: one host only, not a list"},
        {"postgresql://db%00x/shop", "host contains NUL"},
        {"host", "a keyword must be followed by ="},
        {"password='open", "password: the closing quote is missing"},
        {"host=db sslmode=yes", "sslmode must be disable, allow, prefer, require, verify-ca or verify-full"},
    };
    for (const auto& [dsn, reason] : table) {
        EXPECT_EQ(
            test::message_of<std::invalid_argument>([text = dsn] { (void)connect_options::parse(text); }),
            std::string("connection string: ") + reason)
            << dsn;
    }
}

TEST(ConnectOptions, DescribeThemselvesWithoutThePassword)
{
    const auto options = connect_options::parse("postgresql://ann:secret@db:6000/shop");
    EXPECT_EQ(options.describe(), "db:6000/shop as ann");
    EXPECT_EQ(connect_options::parse("postgresql://ann:secret@db").describe(), "db:5432/ann as ann");
}

TEST(ConnectOptions, NeverQuoteThePassword)
{
    for (const auto* const dsn :
         {"postgresql://ann:secret%@db", "postgresql://ann:secret/x@db", "postgresql://ann@db?password=secret%4",
          "password='secret", "password=secret port=x", "postgresql://ann:secret@db:x"}) {
        const auto message = test::message_of<std::invalid_argument>([&] { (void)connect_options::parse(dsn); });
        EXPECT_EQ(message.find("secret"), std::string::npos) << message;
        EXPECT_NE(message, "(nothing thrown)") << dsn;
    }
}

RC_GTEST_PROP(ConnectOptions, AnyTextIsReadOrRefused, (const std::string& text, bool as_uri))
{
    try {
        (void)connect_options::parse((as_uri ? "postgresql://" : "") + text);
    }
    catch (const std::invalid_argument& error) {
        RC_ASSERT(std::string(error.what()).starts_with("connection string: "));
    }
}

} // namespace
} // namespace tradecore::pg
