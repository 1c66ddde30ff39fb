// SPDX-License-Identifier: Apache-2.0
#include "support/wire_values.hpp"

#include <tradecore/pg/error.hpp>
#include <tradecore/pg/identifier.hpp>

#include <gtest/gtest.h>

namespace tradecore::pg {
namespace {

using test::message_of;

TEST(quote_identifier, keeps_what_it_is_given)
{
    EXPECT_EQ(quote_identifier("orders"), "\"orders\"");
    EXPECT_EQ(quote_identifier("Odd Name"), "\"Odd Name\"");
    EXPECT_EQ(quote_identifier("a\"; DROP TABLE b; --"), "\"a\"\"; DROP TABLE b; --\"");
    EXPECT_EQ(quote_identifier(std::string(63, 'x')).size(), 65U);
}

TEST(quote_identifier, refuses_what_is_no_identifier)
{
    EXPECT_NE(message_of<argument_error>([] { (void)quote_identifier(""); }).find("empty"), std::string::npos);
    EXPECT_NE(
        message_of<argument_error>([] { (void)quote_identifier(std::string_view("a\0b", 3)); }).find("NUL"),
        std::string::npos);
    EXPECT_NE(
        message_of<argument_error>([] { (void)quote_identifier(std::string(64, 'x')); }).find("63"), std::string::npos);
}

TEST(table_name, may_have_a_schema)
{
    EXPECT_EQ(table_name("orders").quoted(), "\"orders\"");
    EXPECT_EQ(table_name("trading.orders").quoted(), "\"trading\".\"orders\"");
    EXPECT_EQ(table_name(std::string("trading.orders")).quoted(), "\"trading\".\"orders\"");
    EXPECT_EQ((table_name{"trading", "odd.name"}).quoted(), "\"trading\".\"odd.name\"");
    EXPECT_NE(message_of<argument_error>([] { (void)table_name(".orders").quoted(); }), "(nothing thrown)");
}

} // namespace
} // namespace tradecore::pg
