// SPDX-License-Identifier: Apache-2.0
#include "pg/support/wire_values.hpp"

#include <tradecore/pg/field.hpp>
#include <tradecore/pg/json.hpp>

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tradecore::pg {
namespace json_test {

BOOST_DEFINE_ENUM_CLASS(side, buy, sell)

struct leg {
    std::string symbol;
    std::int32_t quantity = 0;
};
BOOST_DESCRIBE_STRUCT(leg, (), (symbol, quantity))

struct order {
    tradecore::uuid id{};
    side direction = side::buy;
    numeric price;
    tradecore::timestamptz at;
    std::optional<std::string> note;
    std::vector<leg> legs;
    std::map<std::string, double> tags;
};
BOOST_DESCRIBE_STRUCT(order, (), (id, direction, price, at, note, legs, tags))

} // namespace json_test

namespace {

using json_test::leg;
using json_test::order;
using json_test::side;
using test::message_of;
using test::read_as;

const std::string order_text =
    R"({"id":"550e8400-e29b-41d4-a716-446655440000","direction":"sell","price":"12.340","at":"2024-01-31T12:00:00.5Z",)"
    R"("note":null,"legs":[{"symbol":"AAPL","quantity":3}],"tags":{"risk":1.5E0}})";

TEST(Json, DescribedStructsGoOutAndComeBack)
{
    const auto parsed = from_json<order>(boost::json::parse(order_text));
    EXPECT_EQ(parsed.direction, side::sell);
    EXPECT_EQ(parsed.price.to_string(), "12.340");
    EXPECT_EQ(parsed.note, std::nullopt);
    ASSERT_EQ(parsed.legs.size(), 1U);
    EXPECT_EQ(parsed.legs[0].symbol, "AAPL");
    EXPECT_EQ(parsed.tags.at("risk"), 1.5);
    EXPECT_EQ(boost::json::serialize(to_json(parsed)), order_text);
}

TEST(Json, MissingOptionalsAndUnknownMembersAreFine)
{
    const auto value = boost::json::parse(R"({"symbol":"X","quantity":1,"added_later":true})");
    EXPECT_EQ(from_json<leg>(value).quantity, 1);
    EXPECT_EQ(from_json<std::optional<int>>(nullptr), std::nullopt);
}

TEST(Json, MismatchesNameThePath)
{
    const auto read = [](const char* text) {
        return message_of<json_mismatch>([&] { (void)from_json<std::vector<leg>>(boost::json::parse(text)); });
    };
    EXPECT_EQ(read(R"([{"symbol":"X","quantity":1},{"symbol":"Y"}])"), "[1].quantity: missing");
    EXPECT_EQ(read(R"([{"symbol":7,"quantity":1}])"), "[0].symbol: expected a string, found int64");
    EXPECT_EQ(read(R"([{"symbol":"X","quantity":3000000000}])"), "[0].quantity: the number does not fit int");
    EXPECT_EQ(read(R"([{"symbol":"X","quantity":1.5}])"), "[0].quantity: the number does not fit int");
    EXPECT_EQ(read(R"({})"), "expected an array, found object");
    EXPECT_NE(
        message_of<json_mismatch>([] { (void)from_json<side>("hold"); }).find("\"hold\" is no "), std::string::npos);
    EXPECT_EQ(
        message_of<json_mismatch>([] { (void)from_json<numeric>(1.5); }),
        "a number with a fraction was rounded to binary; keep decimals as strings");
    EXPECT_EQ(message_of<json_mismatch>([] { (void)to_json(std::nan("")); }), "JSON has no NaN");
}

TEST(Json, ColumnsOfJsonAndJsonbAreRead)
{
    EXPECT_EQ(read_as<order>(oids::jsonb, "\1" + order_text).price.to_string(), "12.340");
    EXPECT_EQ(read_as<order>(oids::json, order_text).price.to_string(), "12.340");
    EXPECT_EQ(read_as<order>(oids::jsonb, order_text, wire_format::text).price.to_string(), "12.340");
    EXPECT_EQ(read_as<boost::json::value>(oids::json, "[1,2]"), boost::json::parse("[1,2]"));
    EXPECT_EQ(
        message_of<type_error>([] { (void)read_as<leg>(oids::jsonb, "\1{\"symbol\":1}"); }),
        "column \"v\" of type jsonb as tradecore::pg::json_test::leg: symbol: expected a string, found int64");
    EXPECT_THROW((void)read_as<leg>(oids::text, "{}"), type_error);
    EXPECT_THROW((void)read_as<boost::json::value>(oids::jsonb, "\2{}"), type_error);
    EXPECT_THROW((void)read_as<boost::json::value>(oids::json, "{"), type_error);
    EXPECT_THROW((void)read_as<boost::json::value>(oids::json, std::string(100'000, '[')), type_error);
}

} // namespace
} // namespace tradecore::pg
