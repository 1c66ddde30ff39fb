// SPDX-License-Identifier: Apache-2.0
#include "pg/support/wire_values.hpp"

#include <tradecore/pg/parameters.hpp>
#include <tradecore/pg/types.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>
#include <string>

namespace tradecore::pg {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using std::chrono::microseconds;
using std::chrono::sys_days;
using local_micros = std::chrono::local_time<microseconds>;
using test::big_endian;
using test::from_hex;
using test::message_of;
using test::read_as;
using test::to_hex;

constexpr auto text = wire_format::text;

template <class T>
std::string bound(const T& value, oid server)
{
    std::string out;
    const std::array types = {server};
    parameters::encode(value).write_bind(out, types);
    return to_hex(out.substr(10));
}

template <class T>
std::string refusal(const T& value, oid server)
{
    return message_of<argument_error>([&] { (void)bound(value, server); });
}

template <class T>
std::string unreadable(oid type, const test::wire_value& value, wire_format format = wire_format::binary)
{
    return message_of<type_error>([&] { (void)read_as<T>(type, value, format); });
}

TEST(Dates, RefuseWhatTheCppTypeDoesNotHold)
{
    EXPECT_EQ(
        unreadable<sys_days>(oids::date, from_hex("7fffffff")),
        "column \"v\" of type date as std::chrono::sys_days: infinity is no finite value; take a "
        "tradecore::pg::extended");
    EXPECT_EQ(
        unreadable<local_micros>(oids::timestamp, "-infinity", text),
        "column \"v\" of type timestamp as std::chrono::local_time<std::chrono::microseconds>: -infinity is no finite "
        "value; take a tradecore::pg::extended");
    EXPECT_EQ(
        unreadable<std::chrono::year_month_day>(oids::date, from_hex("7fda970c")),
        "column \"v\" of type date as std::chrono::year_month_day: 5874897-12-31 is beyond the years of std::chrono");
    // 294276-12-31 23:59:59.999999, the server's last
    EXPECT_EQ(
        unreadable<extended<local_micros>>(oids::timestamp, from_hex("7fffffff9bd3a3ff")),
        "column \"v\" of type timestamp as std::chrono::local_time<std::chrono::microseconds>: the time does not fit");
    EXPECT_NE(
        unreadable<sys_days>(oids::date, from_hex("ffda97a6")).find("beyond the server's range"), std::string::npos);
    EXPECT_NE(unreadable<sys_days>(oids::date, from_hex("7fda97cd")).find("beyond the server's"), std::string::npos);
    for (const auto* const wrong :
         {"", "2024-1-01", "2024-02-30", "0000-01-01", "01/31/2024", "2024-01-31 ", "2024-01-31 AD", "24-01-01"}) {
        EXPECT_THROW((void)read_as<sys_days>(oids::date, wrong, text), type_error) << wrong;
    }
    for (const auto* const wrong : {"2024-01-31", "2024-01-31 24:00:00", "2024-01-31 12:00:00+00"}) {
        EXPECT_THROW((void)read_as<local_micros>(oids::timestamp, wrong, text), type_error) << wrong;
    }
}

TEST(Dates, RefuseWhatTheServerDoesNotHold)
{
    EXPECT_EQ(
        refusal(sys_days(std::chrono::days(2'145'042'906)), oids::date),
        "argument $1: the date is beyond the server's range");
    EXPECT_EQ(
        refusal(sys_days(std::chrono::days(-2'440'589)), oids::date),
        "argument $1: the date is beyond the server's range");
    EXPECT_EQ(refusal(sys_days::max(), oids::date), "argument $1: the date is beyond the server's range");
    EXPECT_EQ(refusal(sys_days::min(), oids::date), "argument $1: the date is beyond the server's range");
    EXPECT_EQ(refusal(std::chrono::year(2023) / 2 / 29, oids::date), "argument $1: the calendar has no such day");
    EXPECT_EQ(refusal(local_micros::min(), oids::timestamp), "argument $1: the time is beyond the server's range");
    EXPECT_EQ(
        refusal(std::chrono::local_time<std::chrono::hours>(std::chrono::hours::max()), oids::timestamp),
        "argument $1: the time is beyond the server's range");
    EXPECT_EQ(refusal(std::chrono::hours::max(), oids::interval), "argument $1: the time is beyond the server's range");
}

TEST(Dates, GoOnlyWhereNothingHasToBeGuessed)
{
    const auto day = sys_days(std::chrono::year(2000) / 1 / 2);
    EXPECT_EQ(bound(day, oids::timestamp), "000000141dd76000");
    EXPECT_EQ(bound(extended<sys_days>::infinity(), oids::timestamp), "7fffffffffffffff");
    EXPECT_EQ(
        refusal(sys_days(std::chrono::days(1'000'000'000)), oids::timestamp),
        "argument $1: 2739877-01-03 does not fit timestamp");
    EXPECT_EQ(
        refusal(day, oids::timestamptz),
        "argument $1: a date (date) does not go into timestamptz: a local time is no instant without its time zone; "
        "pass a tradecore::timestamptz");
    EXPECT_EQ(
        refusal(local_micros(), oids::timestamptz),
        "argument $1: std::chrono::local_time (timestamp) does not go into timestamptz: a local time is no instant "
        "without its time zone; pass a tradecore::timestamptz");
    EXPECT_NE(refusal(local_micros(), oids::date).find("its time would be lost"), std::string::npos);
    EXPECT_NE(refusal(timestamptz(), oids::timestamp).find("AT TIME ZONE"), std::string::npos);
    EXPECT_NE(refusal(timestamptz(), oids::date).find("AT TIME ZONE"), std::string::npos);
    EXPECT_NE(refusal(1h, oids::time).find("a duration is no time of day"), std::string::npos);
    EXPECT_NE(refusal(time_of_day(1h), oids::interval), "(nothing thrown)");
    EXPECT_NE(unreadable<local_micros>(oids::timestamptz, big_endian<std::int64_t>(0)), "(nothing thrown)");
    EXPECT_NE(unreadable<timestamptz>(oids::timestamp, big_endian<std::int64_t>(0)), "(nothing thrown)");
}

TEST(Extended, IsOrderedWithTheInfinitiesAtTheEnds)
{
    using day = extended<sys_days>;
    EXPECT_LT(day::minus_infinity(), day(sys_days::min()));
    EXPECT_LT(day(sys_days::max()), day::infinity());
    EXPECT_EQ(day::infinity(), day::infinity());
    EXPECT_NE(day::infinity(), day::minus_infinity());
    EXPECT_NE(day::infinity(), day());
    EXPECT_EQ(day().value(), sys_days());
    EXPECT_EQ(message_of<type_error>([] { (void)day::infinity().value(); }), "infinity is no finite value");
    EXPECT_EQ(to_string(day::minus_infinity()), "-infinity");
}

TEST(TimesOfDay, EndAtTwentyFourHours)
{
    EXPECT_EQ(time_of_day(24h).to_string(), "24:00:00");
    EXPECT_THROW(time_of_day(24h + 1us), type_error);
    EXPECT_THROW(time_of_day(-1us), type_error);
    EXPECT_THROW(zoned_time_of_day(time_of_day(), 16h), type_error);
    EXPECT_THROW(zoned_time_of_day(time_of_day(), -16h), type_error);
    for (const auto* const wrong : {"", "24:00:01", "12:60:00", "12:00:60", "12:00", "1:00:00", "12:00:00+00"}) {
        EXPECT_FALSE(time_of_day::parse(wrong)) << wrong;
    }
    for (const auto* const wrong : {"", "12:00:00", "12:00:00+16", "12:00:00-16:00", "12:00:00+5", "12:00:00+05:60"}) {
        EXPECT_FALSE(zoned_time_of_day::parse(wrong)) << wrong;
    }
    EXPECT_THROW((void)read_as<time_of_day>(oids::time, big_endian<std::int64_t>(-1)), type_error);
    EXPECT_THROW((void)read_as<time_of_day>(oids::time, big_endian<std::int64_t>(86'400'000'001)), type_error);
    // The same moment, told in two places.
    EXPECT_LT(zoned_time_of_day(time_of_day(2h), 2h), zoned_time_of_day(time_of_day(1h), 1h));
}

TEST(Intervals, BecomeDurationsOnlyWhenNothingIsLost)
{
    const auto wire = [](std::int64_t micros, std::int32_t days, std::int32_t months) {
        std::string bytes;
        detail::append(bytes, micros);
        detail::append(bytes, days);
        detail::append(bytes, months);
        return bytes;
    };
    EXPECT_EQ(read_as<std::chrono::milliseconds>(oids::interval, wire(-1'500'000, 0, 0)), -1500ms);
    EXPECT_EQ(read_as<std::chrono::nanoseconds>(oids::interval, wire(1, 0, 0)), 1000ns);
    EXPECT_EQ(read_as<std::chrono::days>(oids::interval, "48:00:00", text), std::chrono::days(2));
    EXPECT_EQ(
        unreadable<std::chrono::hours>(oids::interval, wire(3'600'000'000, -1, 0)),
        "column \"v\" of type interval as std::chrono::duration: -1 days +01:00:00 has months or days, which are no "
        "fixed time; take a tradecore::pg::interval");
    EXPECT_NE(unreadable<std::chrono::hours>(oids::interval, wire(0, 0, 1)), "(nothing thrown)");
    EXPECT_NE(
        unreadable<std::chrono::seconds>(oids::interval, wire(1'500'000, 0, 0)).find("no whole number"),
        std::string::npos);
    EXPECT_NE(
        unreadable<std::chrono::nanoseconds>(oids::interval, wire(std::numeric_limits<std::int64_t>::max(), 0, 0))
            .find("does not fit"),
        std::string::npos);
    using short_seconds = std::chrono::duration<std::int16_t>;
    EXPECT_NE(
        unreadable<short_seconds>(oids::interval, wire(32'768'000'000, 0, 0)).find("does not fit"), std::string::npos);
    EXPECT_EQ(bound(90min, oids::interval), "0000000141dd76000000000000000000");
    EXPECT_EQ(bound(std::chrono::days(1), oids::interval), "000000141dd760000000000000000000");
}

TEST(Intervals, AreReadInEachStyle)
{
    const interval mixed{.months = -14, .days = 3, .time = -(4h + 5min + 6'789ms)};
    for (const auto* const same :
         {"-1 years -2 mons +3 days -04:05:06.789", "@ 1 year 2 mons -3 days 4 hours 5 mins 6.789 secs ago",
          "-1-2 +3 -4:05:06.789", "P-1Y-2M3DT-4H-5M-6.789S"}) {
        EXPECT_EQ(interval::parse(same), mixed) << same;
    }
    EXPECT_EQ(interval::parse("-3 4:05:06"), (interval{.days = -3, .time = -(4h + 5min + 6s)}));
    EXPECT_EQ(interval::parse("-3 days +04:05:06"), (interval{.days = -3, .time = 4h + 5min + 6s}));
    for (const auto* const zero : {"00:00:00", "@ 0", "0", "PT0S"}) {
        EXPECT_EQ(interval::parse(zero), interval{}) << zero;
    }
    for (const auto* const wrong :
         {"", "@ ", "P", "1", "1 fortnight", "1 day ", "1 day  2 days", "12:00:00:00", "12:60:00", "P1", "PT1X", "1-12",
          "2147483648 mons", "1.5 days", "9223372036854775807:00:00", "99999999999999999999 days", "infinity"}) {
        EXPECT_FALSE(interval::parse(wrong)) << wrong;
    }
}

TEST(Money, IsReadWithTwoDigits)
{
    for (const auto* const wrong :
         {"", "$", "-", "$1", "$1.5", "$1.234", "1.2.3", "$,1.00", "$92,233,720,368,547,758.08"}) {
        EXPECT_FALSE(money::parse(wrong)) << wrong;
    }
    EXPECT_EQ(money::parse("12.34"), money{1234});
    EXPECT_EQ(money{-100'000'000}.to_string(), "-$1,000,000.00");
}

TEST(Inet, ChecksPrefixesAndScopes)
{
    EXPECT_EQ(
        message_of<type_error>([] { (void)inet(asio::ip::make_address("10.0.0.1"), 33); }),
        "a prefix of 33 bits is none of 10.0.0.1, which has 32");
    EXPECT_THROW((void)inet(asio::ip::make_address("::1"), -1), type_error);
    EXPECT_THROW((void)inet(asio::ip::make_address("fe80::1%1")), type_error);
    EXPECT_EQ(
        message_of<type_error>([] { (void)cidr(asio::ip::make_address("10.0.0.1"), 24); }),
        "10.0.0.1/24 is no network: bits behind its prefix are set");
    for (const auto* const wrong :
         {"", "10.0.0", "10.0.0.1/33", "10.0.0.1/", "::1/129", "10.0.0.1/-1", "fe80::1%1", "10.0.0.1/24/1"}) {
        EXPECT_FALSE(inet::parse(wrong)) << wrong;
    }
    EXPECT_FALSE(cidr::parse("10.0.0.1/24"));
    EXPECT_THROW((void)read_as<inet>(oids::inet, from_hex("02210004c0a80001")), type_error);
    EXPECT_THROW((void)read_as<inet>(oids::inet, from_hex("03200004c0a80001")), type_error);
    EXPECT_THROW((void)read_as<inet>(oids::inet, from_hex("0220000401")), type_error);
    EXPECT_THROW((void)read_as<cidr>(oids::cidr, from_hex("02180104c0a80001")), type_error);
    EXPECT_EQ(read_as<inet>(oids::cidr, from_hex("02180104c0a80000")).to_string(), "192.168.0.0/24");
}

TEST(Inet, IsAnAddressOfAsioWhenItHasNoPrefix)
{
    EXPECT_EQ(
        read_as<asio::ip::address>(oids::inet, from_hex("02200004c0a80001")), asio::ip::make_address("192.168.0.1"));
    EXPECT_EQ(
        unreadable<asio::ip::address>(oids::inet, from_hex("02180004c0a80001")),
        "column \"v\" of type inet as boost::asio::ip::address: 192.168.0.1/24 has a prefix; take a "
        "tradecore::pg::inet");
    EXPECT_NE(unreadable<asio::ip::network_v6>(oids::inet, from_hex("02180004c0a80001")), "(nothing thrown)");
    EXPECT_EQ(bound(asio::ip::make_address_v4("10.0.0.1"), oids::inet), "022000040a000001");
    EXPECT_EQ(bound(asio::ip::make_network_v4("10.0.0.0/8"), oids::cidr), "020800040a000000");
}

TEST(BitString, KnowsItsBits)
{
    bit_string bits(10);
    bits.set(0);
    bits.set(9);
    EXPECT_EQ(bits.to_string(), "1000000001");
    bits.set(0, false);
    EXPECT_FALSE(bits[0]);
    EXPECT_TRUE(bits[9]);
    EXPECT_FALSE(bit_string::parse("102"));
    EXPECT_LT(bit_string::parse("1"), bit_string::parse("10"));
    EXPECT_EQ(bound(bits, oids::bit), "0000000a0040");
    for (const auto* const wrong : {"", "00", "ffffffff", "0000000901", "00000001c0", "00000000ff", "7fffffff00"}) {
        EXPECT_THROW((void)read_as<bit_string>(oids::varbit, from_hex(wrong)), type_error) << wrong;
    }
}

TEST(Ranges, AreKeptAsTheServerKeepsThem)
{
    using whole = range<std::int32_t>;
    EXPECT_EQ(whole(1, 5, range_bounds::both), whole(1, 6));
    EXPECT_EQ(whole(0, 6, range_bounds::neither), whole(1, 6));
    EXPECT_EQ(whole(1, 1), whole());
    EXPECT_EQ(whole(1, 2, range_bounds::neither), whole());
    EXPECT_EQ(whole(std::nullopt, 5, range_bounds::both), whole(std::nullopt, 6));
    EXPECT_THROW(whole(2, 1), type_error);
    EXPECT_THROW(whole(1, std::numeric_limits<std::int32_t>::max(), range_bounds::both), type_error);
    EXPECT_EQ(to_string(whole(1, 5)), "[1,5)");
    EXPECT_TRUE(whole(1, 5).contains(4));
    EXPECT_FALSE(whole(1, 5).contains(5));
    EXPECT_FALSE(whole().contains(0));
    EXPECT_TRUE(whole::all().contains(0));
    // A bound that is no bound does not belong to the range.
    EXPECT_FALSE(whole(std::nullopt, std::nullopt, range_bounds::both).lower_within());
    const range<numeric> open(numeric(1), numeric(2), range_bounds::neither);
    EXPECT_FALSE(open.contains(numeric(1)));
    EXPECT_TRUE(open.contains(numeric::from_string("1.5")));
    EXPECT_EQ(
        range<std::chrono::year_month_day>(
            std::chrono::year(2024) / 2 / 28, std::chrono::year(2024) / 2 / 28, range_bounds::both)
            .upper(),
        std::chrono::year(2024) / 2 / 29);
}

TEST(Ranges, GoIntoRangesOfOtherNumbersThatFit)
{
    EXPECT_EQ(bound(range<std::int32_t>(1, 5), oids::int8range), "02000000080000000000000001000000080000000000000005");
    EXPECT_EQ(bound(range<std::int64_t>(1, 5), oids::int4range), "0200000004000000010000000400000005");
    EXPECT_EQ(
        refusal(range<std::int64_t>(1, 5'000'000'000), oids::int4range), "argument $1: 5000000000 does not fit int4");
    EXPECT_NE(refusal(range<std::int32_t>(1, 5), oids::daterange), "(nothing thrown)");
    EXPECT_NE(refusal(range<std::int32_t>(1, 5), oids::int4), "(nothing thrown)");
    EXPECT_EQ(
        bound(multirange<std::int32_t>{{1, 3}}, oids::int8multirange),
        "000000010000001902000000080000000000000001000000080000000000000003");
}

TEST(Ranges, OfWholeValuesDoNotGoIntoThoseWithFractions)
{
    // [1,5] is kept as [1,6), in which 5.9 is.
    EXPECT_EQ(
        refusal(range<std::int32_t>(1, 5, range_bounds::both), oids::numrange),
        "argument $1: tradecore::pg::range<std::int32_t> (int4range) does not go into numrange: [1,5] of whole values "
        "is kept as [1,6), which would hold more there; pass bounds of the server's type");
    EXPECT_NE(
        refusal(multirange<std::int64_t>{{1, 3}}, oids::nummultirange).find("(int8multirange) does not go into "),
        std::string::npos);
    EXPECT_NE(refusal(range<std::chrono::sys_days>::all(), oids::tsrange), "(nothing thrown)");
    EXPECT_NE(refusal(std::vector{range<std::int32_t>(1, 5)}, oids::numrange_array), "(nothing thrown)");
}

TEST(Ranges, RefuseWhatIsMalformed)
{
    for (const auto* const wrong :
         {"", "02", "0200000004", "02000000040000000100000004000000", "02ffffffff0000000400000005", "0100",
          "020000000300000001000000040000000500", "02000000040000000500000004000000010"}) {
        EXPECT_THROW((void)read_as<range<std::int32_t>>(oids::int4range, from_hex(wrong)), type_error) << wrong;
    }
    for (const auto* const wrong :
         {"", "[", "[1", "[1,", "[1,2", "1,2]", "[1,2]]", "[5,1)", "[\"1,2)", "[1\\", "(1;2)"}) {
        EXPECT_THROW((void)read_as<range<std::int32_t>>(oids::int4range, wrong, text), type_error) << wrong;
    }
    for (const auto* const wrong :
         {"", "00", "ffffffff", "00000001", "0000000100000002", "7fffffff0000000101", "0000000000"}) {
        EXPECT_THROW((void)read_as<multirange<std::int32_t>>(oids::int4multirange, from_hex(wrong)), type_error)
            << wrong;
    }
    for (const auto* const wrong : {"", "{", "[1,2)", "{[1,2)", "{[1,2)[3,4)}", "{[1,2),}", "{1}"}) {
        EXPECT_THROW((void)read_as<multirange<std::int32_t>>(oids::int4multirange, wrong, text), type_error) << wrong;
    }
}

TEST(Multiranges, AreBroughtInOrder)
{
    using whole = multirange<std::int32_t>;
    EXPECT_EQ((whole{{5, 7}, {1, 3}, {3, 4}, {}, {6, 9}}), (whole{{1, 4}, {5, 9}}));
    EXPECT_EQ((whole{{5, 7}, range<std::int32_t>::all()}), whole{range<std::int32_t>::all()});
    EXPECT_EQ(to_string(whole{{5, std::nullopt}, {1, 3}}), "{[1,3),[5,)}");
    using decimal = multirange<numeric>;
    const auto make = [](int lower, int upper, range_bounds bounds) {
        return range<numeric>(numeric(lower), numeric(upper), bounds);
    };
    EXPECT_EQ(
        to_string(decimal{make(1, 2, range_bounds::neither), make(2, 3, range_bounds::neither)}), "{(1,2),(2,3)}");
    EXPECT_EQ(to_string(decimal{make(1, 2, range_bounds::upper), make(2, 3, range_bounds::neither)}), "{(1,3)}");
    EXPECT_TRUE((whole{{1, 3}, {5, 7}}).contains(6));
    EXPECT_FALSE((whole{{1, 3}, {5, 7}}).contains(4));
}

TEST(Hstore, IsReadInBothFormats)
{
    const hstore value = {{"a", "1"}, {"b \"c\" \\", std::nullopt}};
    EXPECT_EQ(to_string(value), R"("a"=>"1", "b \"c\" \\"=>NULL)");
    EXPECT_EQ(parse_hstore(to_string(value)), value);
    EXPECT_EQ(parse_hstore(""), hstore());
    EXPECT_EQ(
        detail::hstore_from_wire(from_hex("00000002 00000001 61 00000001 31 00000000 ffffffff")),
        (hstore{{"a", "1"}, {"", std::nullopt}}));
    for (const auto* const wrong :
         {"a", "\"a\"", "\"a\"=>", "\"a\"=>\"", "\"a\"=>NULL,", "\"a\"=>NULL \"b\"=>NULL", "\"a\\"}) {
        EXPECT_FALSE(parse_hstore(wrong)) << wrong;
    }
    for (const auto* const wrong :
         {"", "00000001", "ffffffff", "00000001ffffffff00000000", "000000010000000261", "0000000000"}) {
        EXPECT_FALSE(detail::hstore_from_wire(from_hex(wrong))) << wrong;
    }
}

TEST(OneByteChar, TakesATextOfOneByte)
{
    EXPECT_EQ(bound("a", oids::char_), "61");
    EXPECT_EQ(bound("", oids::char_), "00");
    EXPECT_EQ(one_byte_char::parse("\\303"), one_byte_char{'\xc3'});
    EXPECT_EQ(refusal("\xc3\xb6", oids::char_), "argument $1: a text of 2 bytes does not fit \"char\", which has one");
}

TEST(Arguments, AreDescribedAsSql)
{
    EXPECT_EQ(
        parameters::encode(
            std::chrono::year(2024) / 1 / 31, 90min, time_of_day(9h), cidr::parse("10.0.0.0/8").value(),
            range<std::int32_t>(1, 5), extended<timestamptz>::infinity(), tsquery{"'a' & 'b'"}, point{1, 2})
            .describe(1000),
        "'2024-01-31', '01:30:00', '09:00:00', '10.0.0.0/8', '[1,5)', 'infinity', '''a'' & ''b''', '(1,2)'");
}

TEST(Numbers, ArePrintedAsTheServerPrintsThem)
{
    EXPECT_EQ(
        parameters::encode(100000.0, 1e15, 1e-5, 0.0001, 123456.0F, 1e6F, -0.0).describe(1000),
        "100000, 1e+15, 1e-05, 0.0001, 123456, 1e+06, -0");
    // 7.660142e+07 is read as the first, too, but lies half way to the next one.
    EXPECT_EQ(
        parameters::encode(76'601'424.0F, 1.674706854855083e-180, -2.288571230419075e+250, 5e-324).describe(1000),
        "7.6601424e+07, 1.674706854855083e-180, -2.288571230419075e+250, 5e-324");
    // 4.1657e+08 does too, and with one and two more digits it is the same number.
    EXPECT_EQ(parameters::encode(416'569'984.0F, 83'524'896.0F).describe(1000), "4.1656998e+08, 8.3524896e+07");
}

} // namespace
} // namespace tradecore::pg
