// SPDX-License-Identifier: Apache-2.0
#include "pg/support/wire_values.hpp"

#include <tradecore/pg/authentication_options.hpp>

#include <gtest/gtest.h>

#include <stdexcept>

namespace tradecore::pg {
namespace {

using enum authentication_method;

TEST(RequiredAuthentication, DemandsNothingByDefault)
{
    for (const auto& any : {required_authentication(), required_authentication::parse("")}) {
        EXPECT_TRUE(any.any());
        for (const auto method : {none, password, md5, gss, sspi, scram_sha_256})
            EXPECT_TRUE(any.allows(method));
        EXPECT_EQ(any.text(), "");
    }
}

TEST(RequiredAuthentication, AllowsWhatIsListed)
{
    const auto listed = required_authentication::parse("scram-sha-256,none");
    EXPECT_EQ(listed, (required_authentication{none, scram_sha_256}));
    EXPECT_TRUE(listed.allows(scram_sha_256));
    EXPECT_TRUE(listed.allows(none));
    EXPECT_FALSE(listed.allows(md5));
    EXPECT_FALSE(listed.allows(password));
    EXPECT_FALSE(listed.negated());
    EXPECT_EQ(listed.text(), "none,scram-sha-256");
}

TEST(RequiredAuthentication, AllowsAllButWhatIsListed)
{
    const auto listed = required_authentication::parse("!password,!md5");
    EXPECT_EQ(listed, required_authentication::all_but({md5, password}));
    EXPECT_FALSE(listed.allows(password));
    EXPECT_FALSE(listed.allows(md5));
    EXPECT_TRUE(listed.allows(scram_sha_256));
    EXPECT_TRUE(listed.allows(none));
    EXPECT_TRUE(listed.negated());
    EXPECT_EQ(listed.text(), "!password,!md5");
}

TEST(RequiredAuthentication, SaysWhatIsWrong)
{
    const std::string unknown = " is none of none, password, md5, gss, sspi and scram-sha-256";
    const std::string mixed = " does not go with the others: either all items have an exclamation mark or none has";
    const std::vector<std::pair<const char*, std::string>> table = {
        {"oauth", "require_auth: item 1" + unknown},  {"password=secret", "require_auth: item 1" + unknown},
        {"MD5", "require_auth: item 1" + unknown},    {" md5", "require_auth: item 1" + unknown},
        {"md5,", "require_auth: item 2" + unknown},   {",md5", "require_auth: item 1" + unknown},
        {"!", "require_auth: item 1" + unknown},      {"md5,!gss", "require_auth: item 2" + mixed},
        {"!md5,gss", "require_auth: item 2" + mixed}, {"md5,gss,md5", "require_auth: item 3 is there twice"},
    };
    for (const auto& [list, message] : table)
        EXPECT_EQ(
            test::message_of<std::invalid_argument>([text = list] { (void)required_authentication::parse(text); }),
            message);
}

} // namespace
} // namespace tradecore::pg
