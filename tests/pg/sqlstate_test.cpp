// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/generated/conditions.hpp>
#include <tradecore/pg/sqlstate.hpp>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace tradecore::pg {

using namespace literals;

TEST(Sqlstate, IsOrderedAsItsText)
{
    static_assert("00000"_sqlstate < "01000"_sqlstate);
    static_assert("9ZZZZ"_sqlstate < "A0000"_sqlstate);
    static_assert("23505"_sqlstate == sqlstate("23505"));
    static_assert(sqlstate().value() == 0);
    EXPECT_EQ("0100C"_sqlstate.text(), "0100C");
    EXPECT_EQ("ZZZZZ"_sqlstate.text(), "ZZZZZ");
}

TEST(Sqlstate, HasTheCodeOfItsClass)
{
    EXPECT_EQ("23505"_sqlstate.class_code().text(), "23000");
    EXPECT_EQ("XX002"_sqlstate.class_code().text(), "XX000");
    EXPECT_EQ("40000"_sqlstate.class_code(), "40000"_sqlstate);
}

TEST(Sqlstate, RefusesWhatIsNoCode)
{
    for (const auto* const text : {"", "2350", "235055", "2350a", "23 05", "2350\xc3"}) {
        EXPECT_FALSE(sqlstate::parse(text)) << text;
    }
}

TEST(Sqlstate, GeneratedConditionsHoldThePackedCodes)
{
    EXPECT_EQ(static_cast<int>(condition::unique_violation), "23505"_sqlstate.value());
    EXPECT_EQ(static_cast<int>(condition::plpgsql_error), "P0000"_sqlstate.value());
    EXPECT_EQ(static_cast<int>(condition_class::transaction_rollback), "40000"_sqlstate.value());
    // Names that several classes have.
    EXPECT_EQ(static_cast<int>(condition::string_data_right_truncation), "22001"_sqlstate.value());
    EXPECT_EQ(static_cast<int>(condition::warning_string_data_right_truncation), "01004"_sqlstate.value());
    EXPECT_EQ(static_cast<int>(condition::external_routine_reading_sql_data_not_permitted), "38004"_sqlstate.value());
}

RC_GTEST_PROP(Sqlstate, TextReadsBack, ())
{
    const auto text = *rc::gen::container<std::string>(
        5, rc::gen::oneOf(
               rc::gen::inRange('0', static_cast<char>('9' + 1)), rc::gen::inRange('A', static_cast<char>('Z' + 1))));
    const auto code = sqlstate::parse(text);
    RC_ASSERT(code.has_value());
    RC_ASSERT(code->text() == text);
    RC_ASSERT(sqlstate::from_value(code->value()) == *code);
}

} // namespace tradecore::pg
