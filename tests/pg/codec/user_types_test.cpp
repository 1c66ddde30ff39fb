// SPDX-License-Identifier: Apache-2.0
#include "pg/support/user_types.hpp"

#include <tradecore/pg/enum_labels.hpp>
#include <tradecore/pg/field.hpp>
#include <tradecore/pg/types/array.hpp>

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace tradecore::pg {
namespace user_types_test {

enum class state { calm, wild };
BOOST_DEFINE_ENUM_CLASS(plain_state, calm, stormy)

struct address {
    std::optional<std::string> street;
    std::optional<std::int32_t> zip;
    std::optional<state> m;
    friend bool operator==(const address&, const address&) = default;
};
BOOST_DESCRIBE_STRUCT(address, (), (street, zip, m))

/// Fewer attributes, in another order.
struct short_address {
    std::int64_t zip = 0;
    std::string street;
};
BOOST_DESCRIBE_STRUCT(short_address, (), (zip, street))

struct person {
    std::string name;
    address home;
    std::vector<std::optional<address>> others;
};
BOOST_DESCRIBE_STRUCT(person, (), (name, home, others))

struct wrong_address {
    std::string street;
    std::string zip;
};
BOOST_DESCRIBE_STRUCT(wrong_address, (), (street, zip))

struct tagged {
    std::string street;
    std::string country;
};
BOOST_DESCRIBE_STRUCT(tagged, (), (street, country))

struct tree {
    std::vector<tree> children;
};
BOOST_DESCRIBE_STRUCT(tree, (), (children))

struct cube {
    std::string text;
};

} // namespace user_types_test

template <>
struct enum_labels<user_types_test::state> {
    static constexpr std::pair<user_types_test::state, std::string_view> values[] = {
        {user_types_test::state::calm, "calm"},
        {user_types_test::state::wild, "wild thing"},
    };
};

template <>
struct field_traits<user_types_test::cube> {
    static std::string name() { return "cube"; }
    static bool accepts(const type_ref& type, wire_format) { return type.is_named("cube"); }
    static user_types_test::cube decode(const field& from) { return {std::string(from.bytes())}; }
};

namespace {

using test::from_hex;
using test::message_of;
using test::read_as;
using test::read_user;
using user_types_test::address;
using user_types_test::person;
using user_types_test::plain_state;
using user_types_test::state;

constexpr auto text = wire_format::text;

const auto* const address_bytes =
    "00000003 00000019 00000009 4d61696e20225374 22 00004065 00000004 00003039 0000405d 0000000a 77696c64207468696e67";
const auto* const person_bytes =
    "00000003 00000019 00000001 78 00004068 00000025 00000003 00000019 00000001 73 00004065 00000004 00000001 0000405d "
    "00000004 63616c6d 00004067 00000041 00000001 00000001 00004068 00000002 00000001 00000025 00000003 00000019 "
    "00000001 73 00004065 00000004 00000001 0000405d 00000004 63616c6d ffffffff";

TEST(Enum, IsReadByItsLabel)
{
    EXPECT_EQ(read_user<state>(test::mood, "wild thing"), state::wild);
    EXPECT_EQ(read_user<state>(test::mood, "wild thing", text), state::wild);
    EXPECT_EQ(read_user<plain_state>(test::mood, "calm"), plain_state::calm);
    EXPECT_EQ(read_user<std::string>(test::mood, "wild thing"), "wild thing");
    EXPECT_EQ(read_user<state>(oids::text, "calm"), state::calm);
    EXPECT_EQ(read_user<std::optional<state>>(test::mood, std::nullopt), std::nullopt);
    EXPECT_EQ(
        (read_user<std::vector<state>>(
            test::mood_array,
            from_hex("00000001 00000000 0000405d 00000002 00000001 00000004 63616c6d 0000000a 77696c64207468696e67"))),
        (std::vector<state>{state::calm, state::wild}));
    EXPECT_EQ(
        (read_user<std::vector<state>>(test::mood_array, R"({calm,"wild thing"})", text)),
        (std::vector<state>{state::calm, state::wild}));
}

TEST(Enum, NamesLabelAndBothTypesWhenItDoesNotFit)
{
    EXPECT_EQ(
        message_of<type_error>([] { (void)read_user<plain_state>(test::mood, "wild thing"); }),
        "column \"v\" of type enum mood as tradecore::pg::user_types_test::plain_state: it has no value labelled "
        "\"wild thing\"");
    EXPECT_EQ(
        message_of<type_error>([] { (void)read_user<state>(oids::int4, std::string(4, '\0')); }),
        "column \"v\" is of type int4, which does not go into tradecore::pg::user_types_test::state");
}

TEST(Composite, IsReadByTheNamesOfItsAttributes)
{
    const address expected{"Main \"St\"", 12'345, state::wild};
    EXPECT_EQ(read_user<address>(test::address, from_hex(address_bytes)), expected);
}

TEST(Composite, MayHaveMoreAttributesThanTheStructHasMembers)
{
    const auto part = read_user<user_types_test::short_address>(test::address, from_hex(address_bytes));
    EXPECT_EQ(part.zip, 12'345);
    EXPECT_EQ(part.street, "Main \"St\"");
}

TEST(Composite, IsReadFromText)
{
    EXPECT_EQ(
        read_user<address>(test::address, R"_(("Ma,in ""S\\t""",12345,"wild thing"))_", text),
        (address{"Ma,in \"S\\t\"", 12'345, state::wild}));
    EXPECT_EQ(read_user<address>(test::address, R"_(("",,))_", text), (address{"", std::nullopt, std::nullopt}));
    const auto all = read_user<person>(test::person, R"_((x,"(s,1,calm)","{""(s,1,calm)"",NULL}"))_", text);
    EXPECT_EQ(all.home, (address{"s", 1, state::calm}));
    ASSERT_EQ(all.others.size(), 2U);
    EXPECT_EQ(all.others[0], all.home);
    EXPECT_EQ(all.others[1], std::nullopt);
    for (const auto* const wrong :
         {"", "(", "()", "(a)", "(a,1,calm", "a,1,calm)", "(a,1,calm,)", "(\"a,1,calm)", "(a,1,(calm)",
          "(a,1,calm)x"}) {
        EXPECT_THROW((void)read_user<address>(test::address, wrong, text), type_error) << wrong;
    }
}

TEST(Composite, LiesInOthersAndInArrays)
{
    const auto all = read_user<person>(test::person, from_hex(person_bytes));
    EXPECT_EQ(all.name, "x");
    EXPECT_EQ(all.home, (address{"s", 1, state::calm}));
    ASSERT_EQ(all.others.size(), 2U);
    EXPECT_EQ(all.others[0], all.home);
    EXPECT_EQ(all.others[1], std::nullopt);
}

TEST(Composite, IsReadByPositionIntoTuples)
{
    using parts = std::tuple<std::string, int, state>;
    EXPECT_EQ((read_user<parts>(test::address, from_hex(address_bytes))), (parts{"Main \"St\"", 12'345, state::wild}));
    using pair = std::tuple<std::string, int>;
    EXPECT_EQ(
        message_of<type_error>([] { (void)read_user<pair>(test::address, from_hex(address_bytes)); }),
        "column \"v\" is of type composite address, which does not go into " + json_type_name<pair>() +
            ": it has 3 attributes");
}

TEST(Composite, SaysWhichAttributeDoesNotFit)
{
    EXPECT_EQ(
        message_of<type_error>(
            [] { (void)read_user<user_types_test::tagged>(test::address, from_hex(address_bytes)); }),
        "column \"v\" is of type composite address, which does not go into tradecore::pg::user_types_test::tagged: it "
        "has no attribute \"country\"");
    EXPECT_EQ(
        message_of<type_error>(
            [] { (void)read_user<user_types_test::wrong_address>(test::address, from_hex(address_bytes)); }),
        "column \"v\" is of type composite address, which does not go into "
        "tradecore::pg::user_types_test::wrong_address: attribute \"zip\" is of type int4, which does not go into "
        "std::string");
    EXPECT_EQ(
        message_of<type_error>([] {
            (void)read_user<user_types_test::short_address>(
                test::address, from_hex("00000003 00000019 ffffffff 00004065 00000004 00000001 0000405d ffffffff"));
        }),
        "column \"v\" of type text as std::string: it is NULL; take a std::optional (attribute \"street\" of composite "
        "address)");
    // Two attributes where the type has three: it was changed.
    EXPECT_EQ(
        message_of<type_error>(
            [] { (void)read_user<address>(test::address, from_hex("00000002 00000019 ffffffff 00004065 ffffffff")); }),
        "column \"v\" of type composite address as tradecore::pg::user_types_test::address: the value has 2 "
        "attributes, its type 3");
}

TEST(Record, IsReadByPosition)
{
    const auto bytes = from_hex("00000003 00000017 00000004 00000001 00000019 00000001 61 00000017 ffffffff");
    using parts = std::tuple<int, std::string, std::optional<int>>;
    EXPECT_EQ((read_as<parts>(oids::record, bytes)), (parts{1, "a", std::nullopt}));
    using wrong = std::tuple<int, int, std::optional<int>>;
    EXPECT_EQ(
        message_of<type_error>([&] { (void)read_as<wrong>(oids::record, bytes); }),
        "column \"v\" is of type text, which does not go into std::int32_t (attribute 2 of record)");
    EXPECT_THROW((void)(read_as<std::tuple<int, std::string>>(oids::record, bytes)), type_error);
    using texts = std::tuple<std::string, std::string, std::optional<std::string>>;
    EXPECT_EQ((read_as<texts>(oids::record, R"_((1,"a b",))_", text)), (texts{"1", "a b", std::nullopt}));
    const auto as_struct = read_user<address>(
        oids::record, from_hex("00000003 00000019 00000001 61 00000017 ffffffff 0000405d 00000004 63616c6d"));
    EXPECT_EQ(as_struct, (address{"a", std::nullopt, state::calm}));
}

TEST(Record, RefusesWhatIsMalformed)
{
    for (const auto* const wrong : {
             "",
             "000000",
             "7fffffff",
             "ffffffff",
             "00000001",
             "00000001 00000017",
             "00000001 00000017 00000005 00",
             "00000001 00000017 fffffffe",
             "00000001 00000017 00000004 00000001 00",
             "7fffffff 00000017 00000004 00000001",
         }) {
        EXPECT_THROW((void)read_as<std::tuple<int>>(oids::record, from_hex(wrong)), type_error) << wrong;
    }
}

TEST(Domain, IsReadAsItsBase)
{
    EXPECT_EQ(
        (read_user<std::vector<int>>(
            test::zip2_array,
            from_hex("00000001 00000000 00004065 00000002 00000001 00000004 00000001 00000004 00000002"))),
        (std::vector<int>{1, 2}));
    // An array of a domain over arrays.
    const auto nested = from_hex("00000001 00000000 00004075 00000002 00000001"
                                 "0000001c 00000001 00000000 00000017 00000001 00000001 00000004 00000007"
                                 "0000000c 00000000 00000000 00000017");
    EXPECT_EQ(
        (read_user<std::vector<std::vector<int>>>(test::numbers_array, nested)),
        (std::vector<std::vector<int>>{{7}, {}}));
    EXPECT_THROW((void)read_user<std::vector<int>>(test::numbers_array, nested), type_error);
}

TEST(ArrayOfDimensions, IsReadIntoNestedVectors)
{
    using grid = std::vector<std::vector<std::optional<int>>>;
    const auto bytes = from_hex(
        "00000002 00000001 00000017 00000002 00000000 00000002 00000002 00000004 00000001 ffffffff 00000004 00000003 "
        "00000004 00000004");
    EXPECT_EQ((read_as<grid>(oids::int4_array, bytes)), (grid{{1, std::nullopt}, {3, 4}}));
    EXPECT_EQ(
        (read_as<grid>(oids::int4_array, "[0:1][2:3]={{1,NULL},{3,4}}", text)), (grid{{1, std::nullopt}, {3, 4}}));
    EXPECT_EQ((read_as<grid>(oids::int4_array, from_hex("00000000 00000000 00000017"))), grid());
    EXPECT_EQ(
        (read_as<array<std::optional<int>>>(oids::int4_array, bytes)),
        (array<std::optional<int>>{{1, std::nullopt, 3, 4}, {{2, 0}, {2, 2}}}));
    EXPECT_EQ(
        (read_as<array<std::optional<int>>>(oids::int4_array, "[0:1][2:3]={{1,NULL},{3,4}}", text)),
        (array<std::optional<int>>{{1, std::nullopt, 3, 4}, {{2, 0}, {2, 2}}}));
    EXPECT_EQ(
        message_of<type_error>([&] { (void)read_as<std::vector<grid>>(oids::int4_array, bytes); }),
        "column \"v\" of type int4[] as std::vector<std::vector<std::vector<std::optional<std::int32_t>>>>: the array "
        "has 2 dimensions");
}

TEST(ArrayOfDimensions, RefusesWhatIsMalformed)
{
    for (const auto* const wrong : {
             "00000007 00000000 00000017",                   // more dimensions than there are
             "00000002 00000000 00000017 00000002 00000001", // the second is missing
             "00000002 00000000 00000017 7fffffff 00000001 7fffffff 00000001 00000000",
             "00000002 00000000 00000017 00010000 00000001 00010000 00000001 00000000",
             "00000002 00000000 00000017 00000000 00000001 00000001 00000001",
         }) {
        EXPECT_THROW((void)read_as<array<int>>(oids::int4_array, from_hex(wrong)), type_error) << wrong;
    }
    for (const auto* const wrong :
         {"{{1,2},{3}}", "{{1},2}", "{1,{2}}", "{{},{}}", "{{1}", "{{1}}}", "[1:2]={1}", "[1:1][1:1]={1}", "[2:1]={}",
          "[1:9999999999]={1}", "{{{{{{{1}}}}}}}", "{1 2,", "{\"1\"2}", "{1}{2}"}) {
        EXPECT_THROW((void)read_as<array<int>>(oids::int4_array, wrong, text), type_error) << wrong;
    }
}

TEST(ArrayOfDimensions, HasItsTypesDelimiterInText)
{
    using texts = std::vector<std::string>;
    EXPECT_EQ(
        (read_user<texts>(test::boxes_array, "{(1,1),(0,0);(2,2),(0,0)}", text)),
        (texts{"(1,1),(0,0)", "(2,2),(0,0)"}));
    EXPECT_EQ(
        (read_user<texts>(oids::box_array, "{(1,1),(0,0);(2,2),(0,0)}", text)), (texts{"(1,1),(0,0)", "(2,2),(0,0)"}));
}

TEST(UnknownType, IsBytesAndText)
{
    const std::vector<std::byte> bytes = {std::byte{'('}, std::byte{')'}};
    EXPECT_EQ(read_user<std::vector<std::byte>>(test::cube, "()", text), bytes);
    EXPECT_EQ(read_user<std::vector<std::byte>>(99'999, "()"), bytes);
    EXPECT_EQ(read_user<std::vector<std::byte>>(test::address, "()"), bytes);
    EXPECT_EQ(read_user<std::string>(test::cube, "(1, 2)", text), "(1, 2)");
    EXPECT_EQ(read_user<std::string>(99'999, "whatever", text), "whatever");
    EXPECT_EQ(read_user<user_types_test::cube>(test::cube, "(1)", text).text, "(1)");
    EXPECT_THROW((void)read_user<std::vector<std::byte>>(oids::int4, std::string(4, '\0')), type_error);
}

TEST(UnknownType, IsAskedForInText)
{
    const auto known = test::user_types();
    const auto sends = [&](oid type) { return type_ref(type, known.get()).sends_binary(); };
    EXPECT_TRUE(sends(oids::int4));
    EXPECT_TRUE(sends(oids::int4_array));
    EXPECT_TRUE(sends(oids::record));
    EXPECT_TRUE(sends(test::mood));
    EXPECT_TRUE(sends(test::person));
    EXPECT_TRUE(sends(test::numbers_array));
    EXPECT_FALSE(sends(oids::aclitem));
    EXPECT_FALSE(sends(type_ref(oids::aclitem + 1, known.get()).element() == oids::aclitem ? oids::aclitem + 1 : 0));
    EXPECT_FALSE(sends(test::acl_pair));
    EXPECT_FALSE(sends(test::cube));
    EXPECT_FALSE(sends(99'999));
}

TEST(TypeRegistry, LooksAtACompositeOnceHoweverOftenItIsRepeated)
{
    constexpr oid deep = 30;
    std::vector<type_info> all;
    for (oid i = 0; i < deep; ++i) {
        all.push_back(test::user_type(20'000 + i, type_kind::composite, "c"));
        const auto part = i + 1 < deep ? 20'001 + i : oids::int4;
        all.back().attributes.assign(8, {"part", part});
    }
    type_registry registry;
    registry.add(std::move(all));
    EXPECT_TRUE(type_ref(20'000, registry.known().get()).sends_binary());
    EXPECT_TRUE(type_ref(20'000, registry.known().get()).receives_binary());
}

TEST(TypeRegistry, DoesNotTakeTypesThatDoNotEnd)
{
    using enum type_kind;
    std::vector<type_info> all = {
        test::user_type(20'001, domain, "a", 20'002),
        test::user_type(20'002, domain, "b", 20'001),
        test::user_type(20'003, composite, "c"),
        test::user_type(20'004, array, "c[]", 20'003),
        test::user_type(20'005, domain, "fine", oids::int4),
    };
    all[2].attributes = {{"me", 20'004}};
    for (oid i = 0; i < 1'000; ++i) {
        all.push_back(test::user_type(30'000 + i, domain, "deep", 30'001 + i));
    }
    all.push_back(test::user_type(31'000, domain, "deep", oids::int4));
    type_registry registry;
    registry.add(std::move(all));
    const auto known = registry.known();
    EXPECT_EQ(known->find(20'001), nullptr);
    EXPECT_EQ(known->find(20'003), nullptr);
    EXPECT_EQ(known->find(20'004), nullptr);
    EXPECT_NE(known->find(20'005), nullptr);
    EXPECT_EQ(known->find(30'000), nullptr);
    EXPECT_EQ(type_ref(31'000, known.get()).base().id(), oids::int4);
    registry.forget();
    EXPECT_EQ(registry.known()->find(20'005), nullptr);
}

TEST(TypeRegistry, ReplacesWhatItKnows)
{
    type_registry registry;
    registry.add({test::user_type(20'001, type_kind::enumeration, "old")});
    const auto before = registry.known();
    registry.add(
        {test::user_type(20'001, type_kind::enumeration, "new"), test::user_type(20'002, type_kind::base, "x")});
    EXPECT_EQ(type_ref(20'001, registry.known().get()).describe(), "enum new");
    EXPECT_EQ(type_ref(20'001, before.get()).describe(), "enum old");
    EXPECT_FALSE(type_ref(20'002, registry.known().get()).sends_binary());
    type_registry asking;
    asking.ask_binary("x");
    asking.add({test::user_type(20'002, type_kind::base, "x")});
    EXPECT_TRUE(type_ref(20'002, asking.known().get()).sends_binary());
}

TEST(Nesting, IsLimitedForTypesThatContainThemselves)
{
    // A record in an array in a record in an array …: no server has such a type, but one may send it.
    std::string bytes = from_hex("00000000 00000000 000008c9");
    for (int i = 0; i < 1'000; ++i) {
        std::string record = from_hex("00000001 000008ef");
        detail::append(record, static_cast<std::int32_t>(bytes.size()));
        record += bytes;
        bytes = from_hex("00000001 00000000 000008c9 00000001 00000001");
        detail::append(bytes, static_cast<std::int32_t>(record.size()));
        bytes += record;
    }
    EXPECT_NE(
        message_of<type_error>([&] {
            (void)read_as<std::vector<user_types_test::tree>>(oids::record_array, bytes);
        }).find("values lie in values too deep"),
        std::string::npos);
}

RC_GTEST_PROP(UserTypes, AnyBytesAreReadOrRefused, (const std::string& bytes, bool in_text))
{
    const auto format = in_text ? wire_format::text : wire_format::binary;
    const auto attempt = [&]<class T>(std::type_identity<T>, oid type) {
        try {
            (void)read_user<T>(type, bytes, format);
        }
        catch (const type_error& error) {
            RC_ASSERT(std::string(error.what()).find("column \"v\"") == 0);
        }
    };
    attempt(std::type_identity<person>(), test::person);
    attempt(std::type_identity<address>(), oids::record);
    attempt(std::type_identity<state>(), test::mood);
    attempt(std::type_identity<std::vector<std::vector<std::vector<std::optional<int>>>>>(), oids::int4_array);
    attempt(std::type_identity<array<std::optional<address>>>(), test::address_array);
    attempt(std::type_identity<std::vector<user_types_test::tree>>(), oids::record_array);
}

/// Good bytes with one of them changed, or cut.
RC_GTEST_PROP(UserTypes, DamagedBytesAreReadOrRefused, (std::size_t at, char with, bool cut))
{
    auto bytes = from_hex(person_bytes);
    at %= bytes.size();
    if (cut) {
        bytes.resize(at);
    }
    else {
        bytes[at] = with;
    }
    try {
        (void)read_user<person>(test::person, bytes);
        RC_ASSERT(!cut);
    }
    catch (const type_error& error) {
        RC_ASSERT(std::string(error.what()).find("column \"v\"") == 0);
    }
}

} // namespace
} // namespace tradecore::pg
