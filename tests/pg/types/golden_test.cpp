// SPDX-License-Identifier: Apache-2.0
#include "pg/support/wire_values.hpp"

#include <tradecore/pg/parameters.hpp>
#include <tradecore/pg/types.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

// Each value's two forms as a server of version 15 has them: what its send function gave, and its text with
// DateStyle ISO, TimeZone UTC, IntervalStyle postgres and lc_monetary C.
namespace tradecore::pg {
namespace {

using std::chrono::sys_days;
using local_micros = std::chrono::local_time<std::chrono::microseconds>;
using test::from_hex;
using test::read_as;
using test::to_hex;

struct forms {
    const char* hex;
    const char* text;
};

template <class T>
std::string text_of(const T& value)
{
    if constexpr (requires { value.to_string(); }) {
        return value.to_string();
    }
    else {
        return to_string(value);
    }
}

std::string quoted(std::string text)
{
    for (auto at = text.find('\''); at != std::string::npos; at = text.find('\'', at + 2)) {
        text.insert(at, "'");
    }
    return "'" + text + "'";
}

/// The binary form that Bind takes, in hexadecimal digits.
template <class T>
std::string sent(const T& value, oid type)
{
    std::string out;
    const std::array types = {type};
    parameters::encode(value).write_bind(out, types);
    // Numbers of formats and of values, the format and the length come first.
    EXPECT_EQ(to_hex(out.substr(0, 6)), "000100010001");
    return to_hex(out.substr(10));
}

template <class T>
void expect_forms(oid type, const std::vector<forms>& all)
{
    for (const auto& [hex, text] : all) {
        SCOPED_TRACE(text);
        const auto bytes = from_hex(hex);
        const auto value = read_as<T>(type, bytes);
        EXPECT_EQ(text_of(value), text);
        EXPECT_EQ(sent(value, type), hex);
        EXPECT_EQ(sent(read_as<T>(type, text, wire_format::text), type), hex);
        EXPECT_EQ(parameters::encode(value).describe(10'000), quoted(text));
        // Of what was cut short nothing is read that is not there.
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            try {
                EXPECT_NE(sent(read_as<T>(type, bytes.substr(0, size)), type), hex) << size;
            }
            catch (const type_error& error) {
                EXPECT_NE(std::string(error.what()).find("column \"v\""), std::string::npos);
            }
        }
        EXPECT_THROW((void)read_as<T>(type, bytes + '\0'), type_error);
    }
}

TEST(GoldenBytes, Of_sys_days)
{
    expect_forms<sys_days>(
        oids::date, {
                        {"00000000", "2000-01-01"},
                        {"00002279", "2024-02-29"},
                        {"fff49d7b", "0044-03-15 BC"},
                        {"ffda97a7", "4714-11-24 BC"},
                        {"7fda970c", "5874897-12-31"},
                        {"ffffd532", "1969-12-31"},
                    });
}

TEST(GoldenBytes, Of_local_micros)
{
    expect_forms<local_micros>(
        oids::timestamp, {
                             {"0002b33b6319d120", "2024-01-31 12:00:00.5"},
                             {"ff1fe2ffc58d1dc0", "0001-12-31 23:59:59 BC"},
                             {"0000000000000000", "2000-01-01 00:00:00"},
                             {"7ffca2fec4c81fff", "294247-01-10 04:00:54.775807"},
                             {"fd0f7cc1411fa000", "4714-11-24 00:00:00 BC"},
                         });
}

TEST(GoldenBytes, Of_time_of_day)
{
    expect_forms<time_of_day>(
        oids::time, {
                        {"0000000000000000", "00:00:00"},
                        {"000000141dd76000", "24:00:00"},
                        {"000000141dd75fff", "23:59:59.999999"},
                        {"000000036c966ee0", "04:05:06.7"},
                    });
}

TEST(GoldenBytes, Of_zoned_time_of_day)
{
    expect_forms<zoned_time_of_day>(
        oids::timetz, {
                          {"000000000000000000000000", "00:00:00+00"},
                          {"000000141dd760000000e0c4", "24:00:00-15:59"},
                          {"000000036c97ca88ffffb2a8", "04:05:06.789+05:30"},
                          {"0000000a0eebb000ffff1f01", "12:00:00+15:59:59"},
                          {"0000000a0eebb00000000001", "12:00:00-00:00:01"},
                      });
}

TEST(GoldenBytes, Of_interval)
{
    expect_forms<interval>(
        oids::interval, {
                            {"000000036c97ca88000000030000000e", "1 year 2 mons 3 days 04:05:06.789"},
                            {"00000000000000000000000000000000", "00:00:00"},
                            {"fffffffc93743f7f00000003fffffff2", "-1 years -2 mons +3 days -04:05:06.000001"},
                            {"0000000000000000000000007f50c600", "178000000 years"},
                            {"00000000000000000000000000000001", "1 mon"},
                            {"fffffffffff85ee00000000100000000", "1 day -00:00:00.5"},
                            {"00000001b7e1dd00ffffffff00000000", "-1 days +02:03:00"},
                        });
}

TEST(GoldenBytes, Of_money)
{
    expect_forms<money>(
        oids::money, {
                         {"0000000000000000", "$0.00"},
                         {"fffffffffffe1dc0", "-$1,234.56"},
                         {"7fffffffffffffff", "$92,233,720,368,547,758.07"},
                         {"8000000000000000", "-$92,233,720,368,547,758.08"},
                         {"0000000000000005", "$0.05"},
                     });
}

TEST(GoldenBytes, Of_inet)
{
    expect_forms<inet>(
        oids::inet, {
                        {"02200004c0a80001", "192.168.0.1"},
                        {"02180004c0a80001", "192.168.0.1/24"},
                        {"0200000400000000", "0.0.0.0/0"},
                        {"0380001000000000000000000000000000000001", "::1"},
                        {"0378001000000000000000000000ffff01020304", "::ffff:1.2.3.4/120"},
                        {"03400010fe800000000000000001000000000001", "fe80::1:0:0:1/64"},
                        {"0380001000000000000000000000000001020304", "::1.2.3.4"},
                        {"0340001000010000000000020000000000000000", "1:0:0:2::/64"},
                        {"0380001000000000000000000000000000000002", "::2"},
                        {"0380001000000000000000000000000000000000", "::"},
                    });
}

TEST(GoldenBytes, Of_cidr)
{
    expect_forms<cidr>(
        oids::cidr, {
                        {"02180104c0a80000", "192.168.0.0/24"},
                        {"0200010400000000", "0.0.0.0/0"},
                        {"022001040a000001", "10.0.0.1/32"},
                        {"0320011020010db8000000000000000000000000", "2001:db8::/32"},
                        {"0300011000000000000000000000000000000000", "::/0"},
                        {"0380011000000000000000000000000000000001", "::1/128"},
                    });
}

TEST(GoldenBytes, Of_mac_address)
{
    expect_forms<mac_address>(
        oids::macaddr, {
                           {"08002b010203", "08:00:2b:01:02:03"},
                           {"ffffffffffff", "ff:ff:ff:ff:ff:ff"},
                       });
}

TEST(GoldenBytes, Of_mac_address8)
{
    expect_forms<mac_address8>(
        oids::macaddr8, {
                            {"08002b0102030405", "08:00:2b:01:02:03:04:05"},
                        });
}

TEST(GoldenBytes, Of_bit_string)
{
    expect_forms<bit_string>(
        oids::varbit, {
                          {"00000000", ""},
                          {"0000000180", "1"},
                          {"00000004a0", "1010"},
                          {"00000008ff", "11111111"},
                          {"00000009aa80", "101010101"},
                      });
}

TEST(GoldenBytes, Of_point)
{
    expect_forms<point>(
        oids::point, {
                         {"3ff00000000000004000000000000000", "(1,2)"},
                         {"80000000000000007e37e43c8800759c", "(-0,1e+300)"},
                         {"7ff80000000000007ff0000000000000", "(NaN,Infinity)"},
                         {"3fb999999999999abee4f8b588e368f1", "(0.1,-1e-05)"},
                         {"42dc12218377de40430c6bf526340000", "(123456789012345,1e+15)"},
                     });
}

TEST(GoldenBytes, Of_line)
{
    expect_forms<line>(
        oids::line, {
                        {"3ff000000000000040000000000000004008000000000000", "{1,2,3}"},
                        {"bff000000000000000000000000000003fe0000000000000", "{-1,0,0.5}"},
                    });
}

TEST(GoldenBytes, Of_line_segment)
{
    expect_forms<line_segment>(
        oids::lseg, {
                        {"3ff0000000000000400000000000000040080000000000004010000000000000", "[(1,2),(3,4)]"},
                    });
}

TEST(GoldenBytes, Of_box)
{
    expect_forms<box>(
        oids::box, {
                       {"400800000000000040100000000000003ff00000000000004000000000000000", "(3,4),(1,2)"},
                   });
}

TEST(GoldenBytes, Of_path)
{
    expect_forms<path>(
        oids::path, {
                        {"0100000003000000000000000000000000000000003ff00000000000003ff00000000000004000000000000000000"
                         "0000000000000",
                         "((0,0),(1,1),(2,0))"},
                        {"0000000002000000000000000000000000000000003ff00000000000003ff0000000000000", "[(0,0),(1,1)]"},
                    });
}

TEST(GoldenBytes, Of_circle)
{
    expect_forms<circle>(
        oids::circle, {
                          {"3ff000000000000040000000000000004008000000000000", "<(1,2),3>"},
                          {"000000000000000000000000000000000000000000000000", "<(0,0),0>"},
                      });
}

TEST(GoldenBytes, Of_lsn)
{
    expect_forms<lsn>(
        oids::pg_lsn, {
                          {"0000000000000000", "0/0"},
                          {"00000016b374d848", "16/B374D848"},
                          {"ffffffffffffffff", "FFFFFFFF/FFFFFFFF"},
                      });
}

TEST(GoldenBytes, Of_transaction_id)
{
    expect_forms<transaction_id>(
        oids::xid8, {
                        {"0000000000000003", "3"},
                        {"ffffffffffffffff", "18446744073709551615"},
                    });
}

TEST(GoldenBytes, Of_one_byte_char)
{
    expect_forms<one_byte_char>(
        oids::char_, {
                         {"61", "a"},
                         {"00", ""},
                     });
}

TEST(GoldenBytes, Of_range_int32_t)
{
    expect_forms<range<std::int32_t>>(
        oids::int4range, {
                             {"0200000004000000010000000400000005", "[1,5)"},
                             {"18", "(,)"},
                             {"01", "empty"},
                             {"080000000400000003", "(,3)"},
                             {"120000000480000000", "[-2147483648,)"},
                         });
}

TEST(GoldenBytes, Of_range_int64_t)
{
    expect_forms<range<std::int64_t>>(
        oids::int8range, {
                             {"02000000080000000000000001000000080000000000000005", "[1,5)"},
                         });
}

TEST(GoldenBytes, Of_range_numeric)
{
    expect_forms<range<numeric>>(
        oids::numrange, {
                            {"060000000c0002000000000002000113880000000c000200000000000100021388", "[1.50,2.5]"},
                            {"000000000a000100000000000000010000000a00010000000000000002", "(1,2)"},
                            {"0c0000000a0001ffff0000000103e8", "(,0.1]"},
                        });
}

TEST(GoldenBytes, Of_range_sys_days)
{
    expect_forms<range<sys_days>>(
        oids::daterange, {
                             {"02000000040000223e000000040000225d", "[2024-01-01,2024-02-01)"},
                         });
}

TEST(GoldenBytes, Of_range_local_micros)
{
    expect_forms<range<local_micros>>(
        oids::tsrange,
        {
            {"02000000080002b0d5d4e94000000000080002b0e04f1ec200", "[\"2024-01-01 00:00:00\",\"2024-01-01 12:30:00\")"},
            {"1000000008ff1af9deec5b2000", "(\"0044-03-15 00:00:00 BC\",)"},
        });
}

TEST(GoldenBytes, Of_range_timestamptz)
{
    expect_forms<range<timestamptz>>(
        oids::tstzrange, {
                             {"06000000080002b0d5d4e94000000000080002b0e04f1ec200",
                              "[\"2024-01-01 00:00:00+00\",\"2024-01-01 12:30:00+00\"]"},
                         });
}

TEST(GoldenBytes, Of_multirange_int32_t)
{
    expect_forms<multirange<std::int32_t>>(
        oids::int4multirange,
        {
            {"00000000", "{}"},
            {"00000002000000110200000004000000010000000400000003000000110200000004000000050000000400000007",
             "{[1,3),[5,7)}"},
            {"000000010000000118", "{(,)}"},
        });
}

TEST(GoldenBytes, Of_multirange_int64_t)
{
    expect_forms<multirange<std::int64_t>>(
        oids::int8multirange, {
                                  {"000000010000001902000000080000000000000001000000080000000000000003", "{[1,3)}"},
                              });
}

TEST(GoldenBytes, Of_multirange_numeric)
{
    expect_forms<multirange<numeric>>(
        oids::nummultirange, {
                                 {"000000020000001f040000000c0002000000000001000113880000000a00010000000000010002000000"
                                  "0f120000000a00010000000000000003",
                                  "{(1.5,2.0],[3,)}"},
                             });
}

TEST(GoldenBytes, Of_multirange_sys_days)
{
    expect_forms<multirange<sys_days>>(
        oids::datemultirange, {
                                  {"000000010000001102000000040000223e000000040000225d", "{[2024-01-01,2024-02-01)}"},
                              });
}

TEST(GoldenBytes, Of_multirange_local_micros)
{
    expect_forms<multirange<local_micros>>(
        oids::tsmultirange, {
                                {"000000010000001902000000080002b0d5d4e94000000000080002b0e04f1ec200",
                                 "{[\"2024-01-01 00:00:00\",\"2024-01-01 12:30:00\")}"},
                            });
}

TEST(GoldenBytes, Of_multirange_timestamptz)
{
    expect_forms<multirange<timestamptz>>(
        oids::tstzmultirange, {
                                  {"000000010000001906000000080002b0d5d4e94000000000080002b0e04f1ec200",
                                   "{[\"2024-01-01 00:00:00+00\",\"2024-01-01 12:30:00+00\"]}"},
                              });
}

TEST(GoldenBytes, Of_polygon)
{
    expect_forms<polygon>(
        oids::polygon,
        {
            {"00000003000000000000000000000000000000003ff00000000000003ff000000000000040000000000000000000000000000000",
             "((0,0),(1,1),(2,0))"},
        });
}
TEST(GoldenBytes, OfDatesInTheOtherTypesOfChrono)
{
    const auto leap_day = std::chrono::year(2024) / 2 / 29;
    EXPECT_EQ(read_as<std::chrono::year_month_day>(oids::date, from_hex("00002279")), leap_day);
    EXPECT_EQ(read_as<std::chrono::local_days>(oids::date, from_hex("00002279")), std::chrono::local_days(leap_day));
    EXPECT_EQ(sent(leap_day, oids::date), "00002279");
    EXPECT_EQ(sent(std::chrono::local_days(leap_day), oids::date), "00002279");
}

TEST(GoldenBytes, OfTheInfinities)
{
    expect_forms<extended<sys_days>>(
        oids::date, {{"7fffffff", "infinity"}, {"80000000", "-infinity"}, {"00002279", "2024-02-29"}});
    expect_forms<extended<local_micros>>(
        oids::timestamp, {{"7fffffffffffffff", "infinity"}, {"8000000000000000", "-infinity"}});
    expect_forms<extended<timestamptz>>(
        oids::timestamptz, {{"7fffffffffffffff", "infinity"}, {"8000000000000000", "-infinity"}});
}

TEST(GoldenBytes, OfTextSearch)
{
    const std::vector<std::pair<const char*, const char*>> vectors = {
        {"00000000", ""},
        {"0000000461000002c001000263617400000180036f27780000007a0000017fff", "'a':1A,2 'cat':3B 'o''x' 'z':16383C"},
    };
    for (const auto& [hex, text] : vectors) {
        EXPECT_EQ(read_as<tsvector>(oids::tsvector, from_hex(hex)).text, text);
        EXPECT_EQ(read_as<tsvector>(oids::tsvector, text, wire_format::text).text, text);
        const auto bytes = from_hex(hex);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            EXPECT_THROW((void)read_as<tsvector>(oids::tsvector, bytes.substr(0, size)), type_error) << size;
        }
        EXPECT_THROW((void)read_as<tsvector>(oids::tsvector, bytes + '\0'), type_error);
    }
    const std::vector<std::pair<const char*, const char*>> queries = {
        {"00000000", ""},
        {"00000006020202030201010c01726174000100006361740001000066617400", "'fat' & ( 'cat' | !'rat':*AB )"},
        {"000000050204000201000063000204000101000062000100006100", "'a' <-> 'b' <2> 'c'"},
        {"000000050204000102040001010000630001000062000100006100", "'a' <-> ( 'b' <-> 'c' )"},
        {"00000006020301000069742773000201020201000062000100006100", "!( 'a' & 'b' ) | 'it''s'"},
        {"00000003020102010100006100", "!!'a'"},
    };
    for (const auto& [hex, text] : queries) {
        EXPECT_EQ(read_as<tsquery>(oids::tsquery, from_hex(hex)).text, text);
        const auto bytes = from_hex(hex);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            EXPECT_THROW((void)read_as<tsquery>(oids::tsquery, bytes.substr(0, size)), type_error) << size;
        }
        EXPECT_THROW((void)read_as<tsquery>(oids::tsquery, bytes + '\0'), type_error);
    }
}

TEST(GoldenBytes, OfAQueryAsDeepAsItIsLong)
{
    std::string nots = from_hex("00010000");
    std::string ands = from_hex("0001ffff");
    std::string text = "'a'";
    for (int i = 0; i < 0xFFFF; ++i) {
        nots += from_hex("0201");
    }
    for (int i = 0; i < 0x7FFF; ++i) {
        ands += from_hex("0202 0100006100"); // and, the word to its right
        text += " & 'a'";
    }
    // 2 * 0x7fff + 1 parts.
    ands.replace(0, 4, from_hex("0000ffff"));
    EXPECT_EQ(read_as<tsquery>(oids::tsquery, nots + from_hex("0100006100")).text, std::string(0xFFFF, '!') + "'a'");
    EXPECT_EQ(read_as<tsquery>(oids::tsquery, ands + from_hex("0100006100")).text, text);
    EXPECT_THROW((void)read_as<tsquery>(oids::tsquery, ands), type_error);
}

TEST(GoldenBytes, OfAJsonPath)
{
    const auto* const hex = "01242e2261225b2a5d3f2840203e203129";
    const auto* const text = R"($."a"[*]?(@ > 1))";
    EXPECT_EQ(read_as<jsonpath>(oids::jsonpath, from_hex(hex)).text, text);
    EXPECT_EQ(read_as<std::string>(oids::jsonpath, from_hex(hex)), text);
    EXPECT_EQ(read_as<jsonpath>(oids::jsonpath, text, wire_format::text).text, text);
    EXPECT_THROW((void)read_as<jsonpath>(oids::jsonpath, from_hex("0224")), type_error);
    EXPECT_THROW((void)read_as<jsonpath>(oids::jsonpath, std::string()), type_error);
}

} // namespace
} // namespace tradecore::pg
