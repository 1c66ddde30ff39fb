// SPDX-License-Identifier: Apache-2.0
#include "pg/auth/md5_response.hpp"
#include "pg/auth/prepared_password.hpp"
#include "pg/auth/secret.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace {

using tradecore::pg::auth::prepared_password;
using tradecore::pg::auth::secret;

TEST(prepared_password, leaves_ascii_as_it_is)
{
    EXPECT_EQ(prepared_password("pencil"), "pencil");
    EXPECT_EQ(prepared_password(" a\tb\x7f "), " a\tb\x7f ");
    EXPECT_EQ(prepared_password(""), "");
}

// The examples of RFC 4013, section 3, where they are not of ASCII alone.
TEST(prepared_password, makes_one_text_of_those_that_look_alike)
{
    EXPECT_EQ(prepared_password("I\xC2\xADX"), "IX");      // a soft hyphen
    EXPECT_EQ(prepared_password("\xC2\xAA"), "a");         // feminine ordinal indicator
    EXPECT_EQ(prepared_password("\xE2\x85\xA8"), "IX");    // roman numeral nine
    EXPECT_EQ(prepared_password("a\xC2\xA0z"), "a z");     // a space that does not break
    EXPECT_EQ(prepared_password("e\xCC\x81"), "\xC3\xA9"); // e and acute accent, together
    EXPECT_EQ(prepared_password("scram pass ☃"), "scram pass ☃");
}

// Checked as libpq does.
TEST(prepared_password, looks_for_what_is_forbidden_before_it_normalizes)
{
    EXPECT_EQ(
        prepared_password("a\xE2\x84\xB5"
                          "b"),
        "a\xD7\x90"
        "b");                                                         // the alef of mathematics becomes a letter
    EXPECT_EQ(prepared_password("\xEF\xAC\x9D"), "\xD7\x99\xD6\xB4"); // a point that ends what is right to left
    EXPECT_EQ(prepared_password("a\xCD\x80"), "a\xCD\x80");           // a tone mark that is forbidden
}

TEST(prepared_password, takes_byte_by_byte_what_cannot_be_prepared)
{
    for (const std::string raw :
         {"\xFF\xFE\xE9", // not UTF-8
          "\xC2\x80xyz",  // a control character
          "\xD8\xA7"
          "1",                      // right to left, and not to its end
          "\xC2\xAD",               // nothing is left
          "\xF0\x9F\xA6\x80 crab"}) // not assigned in Unicode 3.2
        EXPECT_EQ(prepared_password(raw), raw);
    const std::string with_nul("\xC3\xA9\0x", 4);
    EXPECT_EQ(prepared_password(with_nul), with_nul);
}

TEST(md5_response, hashes_twice)
{
    using tradecore::pg::auth::md5_response;
    EXPECT_EQ(md5_response("trader", "pencil", "salt").value_or("").substr(0, 3), "md5");
    EXPECT_NE(md5_response("trader", "pencil", "salt"), md5_response("trader", "pencil", "tlas"));
    EXPECT_NE(md5_response("trader", "pencil", "salt"), md5_response("trader", "Pencil", "salt"));
}

TEST(secret, moves_without_leaving_a_copy)
{
    secret first("pencil");
    const secret second(std::move(first));
    EXPECT_EQ(second.text(), "pencil");
    EXPECT_TRUE(first.empty()); // NOLINT(bugprone-use-after-move): that is the promise
    secret third;
    third = second;
    EXPECT_EQ(third.text(), "pencil");
    third.clear();
    EXPECT_TRUE(third.empty());
}

} // namespace
