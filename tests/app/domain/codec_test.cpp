// SPDX-License-Identifier: Apache-2.0
#include "broker/codec.hpp"
#include "domain/codec.hpp"
#include "generators.hpp"

#include <boost/json.hpp>
#include <boost/mp11.hpp>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <functional>

namespace tradecore::app::domain {
namespace {

namespace json = boost::json;

// Fills any described struct with random values.
struct filler {
    template <class Tag>
    void operator()(fixed<Tag>& out) const
    {
        out = *testing::any_fixed<fixed<Tag>>();
    }
    void operator()(uuid& out) const { out = *testing::any_uuid(); }
    void operator()(timestamp& out) const { out = *testing::any_time(); }
    void operator()(std::string& out) const { out = *rc::gen::container<std::string>(rc::gen::inRange(' ', '~')); }
    void operator()(std::int64_t& out) const { out = *rc::gen::arbitrary<std::int64_t>(); }
    void operator()(side& out) const { out = *rc::gen::element(side::buy, side::sell); }
    void operator()(order_type& out) const { out = *rc::gen::element(order_type::market, order_type::limit); }

    template <class T>
    void operator()(std::optional<T>& out) const
    {
        if (*rc::gen::arbitrary<bool>())
            (*this)(out.emplace());
    }

    template <class T>
    void operator()(std::vector<T>& out) const
    {
        out.resize(*rc::gen::inRange<std::size_t>(0, 4));
        for (T& item : out)
            (*this)(item);
    }

    template <class T>
        requires boost::describe::has_describe_members<T>::value
    void operator()(T& out) const
    {
        using members =
            boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;
        boost::mp11::mp_for_each<members>([&](auto member) { (*this)(out.*member.pointer); });
    }
};

// What a store does: text there, text back.
template <class Event, class Encode, class Decode>
void survives_storage(Encode encode, Decode decode)
{
    boost::mp11::mp_for_each<boost::mp11::mp_transform<std::type_identity, Event>>([&](auto kind) {
        typename decltype(kind)::type made;
        filler{}(made);
        const Event happened = made;
        const encoded_event stored = encode(happened);
        RC_ASSERT(stored.type == made.event_type);
        const json::value back = json::parse(json::serialize(stored.data));
        RC_ASSERT(decode(stored.type, stored.schema_version, back) == happened);
    });
}

RC_GTEST_PROP(codec_property, events_survive_storage, ())
{
    survives_storage<event>(
        [](const event& e) { return encode(e); },
        [](std::string_view type, int version, const json::value& data) { return decode(type, version, data); });
    survives_storage<broker::event>(
        [](const broker::event& e) { return broker::encode(e); },
        [](std::string_view type, int version, const json::value& data) {
            return broker::decode(type, version, data);
        });
}

const order_placed sample_order{
    trader_id(1, 1, "order"),
    trader_id(1, 1, "user"),
    trader_id(1, 1, "account"),
    trader_id(1, 1, "connection"),
    "BTC-PERP",
    side::sell,
    order_type::limit,
    quantity::parse("0.25"),
    price::parse("46000.5"),
    {},
    quantity::parse("0.25"),
    7,
    price::whole(45999),
    price::whole(46000),
    parse_timestamp("2022-01-01T00:07:00Z")};

TEST(codec, writes_amounts_ids_and_times_as_text)
{
    const auto stored = encode(sample_order);
    EXPECT_EQ(stored.type, "OrderPlaced");
    EXPECT_EQ(stored.schema_version, 1);
    const json::object& data = stored.data.as_object();
    EXPECT_EQ(data.at("order_id").as_string(), to_text(sample_order.order_id));
    EXPECT_EQ(data.at("side").as_string(), "sell");
    EXPECT_EQ(data.at("type").as_string(), "limit");
    EXPECT_EQ(data.at("quantity").as_string(), "0.25");
    EXPECT_EQ(data.at("limit_price").as_string(), "46000.5");
    EXPECT_EQ(data.at("reserved_cash").as_string(), "0");
    EXPECT_EQ(data.at("tick").as_int64(), 7);
    EXPECT_EQ(data.at("occurred_at").as_string(), "2022-01-01T00:07:00.000000Z");
}

TEST(codec, writes_fields_of_a_fill_flat)
{
    order_filled fill;
    fill.symbol = "X";
    const auto stored = encode(fill);
    EXPECT_EQ(stored.type, "OrderFilled");
    EXPECT_EQ(stored.data.as_object().at("symbol").as_string(), "X");
    EXPECT_EQ(stored.data.as_object().at("remaining").as_string(), "0");
}

std::string refusal(std::string_view type, int version, const std::function<void(json::object&)>& spoil)
{
    json::value data = encode(sample_order).data;
    spoil(data.as_object());
    try {
        decode(type, version, data);
    }
    catch (const decode_error& error) {
        return error.what();
    }
    return "no error";
}

TEST(codec, names_type_and_field_of_what_is_wrong)
{
    const auto set = [](std::string_view field, json::value value) {
        return refusal("OrderPlaced", 1, [&](json::object& data) { data[field] = std::move(value); });
    };
    EXPECT_EQ(
        refusal("OrderPlaced", 1, [](json::object& data) { data.erase("bid"); }),
        "OrderPlaced: field \"bid\" is missing");
    EXPECT_EQ(set("side", "short"), "OrderPlaced: field \"side\" has no value \"short\"");
    EXPECT_EQ(set("quantity", 1.5), "OrderPlaced: field \"quantity\" is not a text");
    EXPECT_EQ(
        set("quantity", "1e5"),
        "OrderPlaced: field \"quantity\" \"1e5\" is not a quantity: an exponent is not accepted");
    EXPECT_EQ(set("tick", "7"), "OrderPlaced: field \"tick\" is not a whole number of 64 bits");
    EXPECT_EQ(set("tick", 1.5), "OrderPlaced: field \"tick\" is not a whole number of 64 bits");
    EXPECT_EQ(set("order_id", "7"), "OrderPlaced: field \"order_id\" is not a UUID");
    EXPECT_EQ(set("occurred_at", "noon"), "OrderPlaced: field \"occurred_at\" is not a time: the year needs 4 digits");
    EXPECT_EQ(set("symbol", nullptr), "OrderPlaced: field \"symbol\" is not a text");
}

TEST(codec, names_the_place_inside_an_array)
{
    fill_settled settled;
    settled.legs = {{"a", "USD", {}}, {"b", "USD", {}}};
    json::value data = encode(settled).data;
    data.as_object()["legs"].as_array()[1].as_object().erase("amount");
    try {
        decode("FillSettled", 1, data);
        FAIL();
    }
    catch (const decode_error& error) {
        EXPECT_STREQ(error.what(), "FillSettled: field \"legs[1].amount\" is missing");
    }
}

TEST(codec, refuses_unknown_types_and_versions)
{
    const auto nothing = [](json::object&) {};
    EXPECT_EQ(refusal("OrderShredded", 1, nothing), "unknown event type \"OrderShredded\"");
    EXPECT_EQ(refusal("OrderPlaced", 2, nothing), "OrderPlaced: schema version 2 is unknown, known is 1");
    EXPECT_EQ(refusal("BrokerOrderFilled", 1, nothing), "unknown event type \"BrokerOrderFilled\"");
    EXPECT_THROW(decode("OrderPlaced", 1, json::value("text")), decode_error);
}

TEST(codec, reads_what_a_newer_program_wrote_and_an_absent_limit)
{
    json::value data = encode(sample_order).data;
    data.as_object()["colour"] = "blue";
    EXPECT_EQ(decode("OrderPlaced", 1, data), event{sample_order});
    data.as_object()["limit_price"] = nullptr;
    EXPECT_FALSE(std::get<order_placed>(decode("OrderPlaced", 1, data)).limit_price);
    data.as_object().erase("limit_price");
    EXPECT_FALSE(std::get<order_placed>(decode("OrderPlaced", 1, data)).limit_price);
}

} // namespace
} // namespace tradecore::app::domain
