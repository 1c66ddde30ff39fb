// SPDX-License-Identifier: Apache-2.0
#include "domain/money.hpp"
#include "generators.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tradecore::app::domain {
namespace {

using testing::any_fixed;
using testing::big;
using testing::to_big;

const int128 greatest = detail::amount_max;
const std::string greatest_text = "999999999999999999999999999999.99999999";

template <class Throwing>
std::string message_of(Throwing throwing)
{
    try {
        throwing();
    }
    catch (const amount_error& error) {
        return error.what();
    }
    return "no error";
}

// Rounds a quotient half to even, by way of twice the remainder: another way than the code under test.
big oracle_divide(const big& dividend, const big& divisor)
{
    const bool negative = dividend < 0;
    const big size = abs(dividend);
    big quotient = size / divisor;
    const big twice = 2 * (size % divisor);
    if (twice > divisor || (twice == divisor && quotient % 2 == 1))
        quotient += 1;
    return negative ? big(-quotient) : quotient;
}

template <class Operation>
void agrees(const big& expected, Operation operation)
{
    if (abs(expected) > to_big(greatest))
        RC_ASSERT_THROWS_AS(static_cast<void>(operation()), amount_overflow);
    else
        RC_ASSERT(to_big(operation().raw()) == expected);
}

TEST(fixed, writes_canonical_text)
{
    EXPECT_EQ(money{}.text(), "0");
    EXPECT_EQ(money::whole(100).text(), "100");
    EXPECT_EQ(money::from_raw(1).text(), "0.00000001");
    EXPECT_EQ(money::from_raw(-150'000'000).text(), "-1.5");
    EXPECT_EQ(money::from_raw(greatest).text(), greatest_text);
    EXPECT_EQ(money::from_raw(-greatest).text(), "-" + greatest_text);
}

TEST(fixed, reads_decimal_text)
{
    EXPECT_EQ(price::parse("46377.0").raw(), int128{4'637'700'000'000});
    EXPECT_EQ(price::parse("0.00000001").raw(), 1);
    EXPECT_EQ(price::parse("-0.5").raw(), -50'000'000);
    EXPECT_EQ(price::parse("-0").text(), "0");
    EXPECT_EQ(price::parse("0007.10").text(), "7.1");
    EXPECT_EQ(price::parse(greatest_text).raw(), greatest);
}

TEST(fixed, refuses_text_that_is_no_amount_and_says_why)
{
    const auto reason = [](std::string_view text) { return message_of([&] { price::parse(text); }); };
    EXPECT_EQ(reason(""), "\"\" is not a price: it is empty");
    EXPECT_EQ(reason("abc"), "\"abc\" is not a price: it does not begin with a digit");
    EXPECT_EQ(reason("-"), "\"-\" is not a price: it does not begin with a digit");
    EXPECT_EQ(reason("+1"), "\"+1\" is not a price: it does not begin with a digit");
    EXPECT_EQ(reason(".5"), "\".5\" is not a price: it does not begin with a digit");
    EXPECT_EQ(reason("5."), "\"5.\" is not a price: no digit follows the decimal point");
    EXPECT_EQ(reason("1e5"), "\"1e5\" is not a price: an exponent is not accepted");
    EXPECT_EQ(reason("1,5"), "\"1,5\" is not a price: unexpected \",\"");
    EXPECT_EQ(reason("1 "), "\"1 \" is not a price: unexpected \" \"");
    EXPECT_EQ(reason("1.123456789"), "\"1.123456789\" is not a price: it has more than 8 decimals");
    EXPECT_EQ(reason("1.123456789x"), "\"1.123456789x\" is not a price: unexpected \"x\"");
    EXPECT_EQ(reason("nan"), "\"nan\" is not a price: it does not begin with a digit");
    EXPECT_EQ(reason("1\n"), "\"1\\x0a\" is not a price: unexpected \"\\x0a\"");
    EXPECT_EQ(
        reason("1" + std::string(30, '0')),
        "overflow in price: \"1" + std::string(30, '0') + "\" has more than 30 digits before the decimal point");
}

TEST(fixed, rounds_longer_text_half_to_even_only_when_asked)
{
    EXPECT_EQ(price::parse_rounded("1.000000005").text(), "1");
    EXPECT_EQ(price::parse_rounded("1.000000015").text(), "1.00000002");
    EXPECT_EQ(price::parse_rounded("1.0000000050001").text(), "1.00000001");
    EXPECT_EQ(price::parse_rounded("-1.000000006").text(), "-1.00000001");
    EXPECT_EQ(price::parse_rounded("0.999999999").text(), "1");
    EXPECT_THROW(price::parse_rounded(greatest_text + "9"), amount_overflow);
}

TEST(fixed, refuses_overflow_and_names_the_operation)
{
    const money most = money::from_raw(greatest);
    EXPECT_EQ(
        message_of([&] { static_cast<void>(most + money::from_raw(1)); }),
        "overflow in money: " + greatest_text + " + 0.00000001");
    EXPECT_EQ(
        message_of([&] { static_cast<void>(-most - money::from_raw(1)); }),
        "overflow in money: -" + greatest_text + " - 0.00000001");
    EXPECT_EQ(
        message_of([&] { static_cast<void>(most + most); }),
        "overflow in money: " + greatest_text + " + " + greatest_text);
    EXPECT_EQ(
        message_of([] { notional_of(price::parse("1000000000000000"), quantity::parse("1000000000000000")); }),
        "overflow in amount: 1000000000000000 × (price × quantity) 1000000000000000");
    EXPECT_EQ(
        message_of([] { money::from_raw(greatest + 1); }),
        "overflow in money: more than 30 digits before the decimal point");
}

TEST(fixed, rounds_half_to_even)
{
    EXPECT_EQ(notional_of(price::from_raw(5), quantity::parse("0.1")).raw(), 0);
    EXPECT_EQ(notional_of(price::from_raw(15), quantity::parse("0.1")).raw(), 2);
    EXPECT_EQ(notional_of(price::from_raw(25), quantity::parse("0.1")).raw(), 2);
    EXPECT_EQ(notional_of(price::from_raw(-15), quantity::parse("0.1")).raw(), -2);
    EXPECT_EQ(fee_of(money::from_raw(500)).raw(), 0);
    EXPECT_EQ(fee_of(money::from_raw(501)).raw(), 1);
    EXPECT_EQ(fee_of(money::from_raw(1500)).raw(), 2);
    EXPECT_EQ(fee_of(money::parse("123456.78")).text(), "123.45678");
    EXPECT_EQ(average_cost(money::parse("10"), quantity::parse("3")).text(), "3.33333333");
    EXPECT_EQ(average_cost(money::parse("20"), quantity::parse("3")).text(), "6.66666667");
}

TEST(fixed, refuses_an_average_over_nothing)
{
    EXPECT_EQ(
        message_of([] { average_cost(money::whole(1), quantity{}); }),
        "average cost: the quantity is 0, it must be positive");
    EXPECT_EQ(
        message_of([] { share_of(money::whole(1), quantity{}, quantity::whole(-1)); }),
        "share of cost: the quantity is -1, it must be positive");
}

RC_GTEST_PROP(fixed_property, text_goes_there_and_back, ())
{
    const auto value = *any_fixed<money>();
    RC_ASSERT(money::parse(value.text()) == value);
}

RC_GTEST_PROP(fixed_property, sums_agree_with_unbounded_integers, ())
{
    const auto a = *any_fixed<money>();
    const auto b = *any_fixed<money>();
    agrees(to_big(a.raw()) + to_big(b.raw()), [&] { return a + b; });
    agrees(to_big(a.raw()) - to_big(b.raw()), [&] { return a - b; });
    RC_ASSERT((a < b) == (to_big(a.raw()) < to_big(b.raw())));
    RC_ASSERT(to_big((-a).raw()) == -to_big(a.raw()));
}

RC_GTEST_PROP(fixed_property, products_and_quotients_agree_with_unbounded_integers, ())
{
    const auto unit = *any_fixed<price>();
    const auto size = *any_fixed<quantity>();
    const auto cost = *any_fixed<money>();
    const big one = 100'000'000;
    agrees(oracle_divide(to_big(unit.raw()) * to_big(size.raw()), one), [&] { return notional_of(unit, size); });
    agrees(oracle_divide(to_big(cost.raw()), 1000), [&] { return fee_of(cost); });
    if (size.is_positive()) {
        agrees(oracle_divide(to_big(cost.raw()) * one, to_big(size.raw())), [&] { return average_cost(cost, size); });
        const auto sold = *any_fixed<quantity>();
        agrees(oracle_divide(to_big(cost.raw()) * to_big(sold.raw()), to_big(size.raw())), [&] {
            return share_of(cost, sold, size);
        });
    }
}

RC_GTEST_PROP(fixed_property, exact_halves_go_to_the_even_neighbour, (std::int32_t whole))
{
    // price × 0.5 has a half in its ninth decimal whenever the raw price is odd.
    const auto unit = price::from_raw(2 * static_cast<int128>(whole) + 1);
    const auto result = notional_of(unit, quantity::parse("0.5"));
    RC_ASSERT(result.raw() % 2 == 0);
    RC_ASSERT((result.raw() == whole || result.raw() == static_cast<int128>(whole) + 1));
}

RC_GTEST_PROP(fixed_property, parsing_anything_gives_an_amount_or_an_amount_error, (const std::string& text))
{
    try {
        RC_ASSERT(money::parse(money::parse(text).text()) == money::parse(text));
    }
    catch (const amount_error& error) {
        RC_ASSERT(std::string_view(error.what()).size() > 0);
    }
}

} // namespace
} // namespace tradecore::app::domain
