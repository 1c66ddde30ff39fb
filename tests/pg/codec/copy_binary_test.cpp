// SPDX-License-Identifier: Apache-2.0
#include "../support/wire_values.hpp"
#include "pg/codec/copy_binary.hpp"

#include <tradecore/pg/codec/copy_row_encoder.hpp>
#include <tradecore/pg/vocabulary.hpp>

#include <boost/describe/class.hpp>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace tradecore::pg {
namespace {

using detail::copy_row_decoder;
using detail::copy_row_encoder;
using test::from_hex;
using test::message_of;
using test::to_hex;

const std::string header = from_hex("5047434f50590aff0d0a00 00000000 00000000");
const std::string trailer = from_hex("ffff");

std::shared_ptr<const row_description> columns_of(std::vector<oid> types)
{
    row_description columns;
    for (const auto type : types)
        columns.push_back({.name = std::string(1, static_cast<char>('a' + columns.size())), .type = type});
    return std::make_shared<const row_description>(std::move(columns));
}

template <class Row>
std::string encode(std::vector<oid> types, const Row& row)
{
    copy_row_encoder encoder(columns_of(std::move(types)));
    std::string out;
    encoder.append(out, row);
    return to_hex(out);
}

struct aggregate {
    std::int64_t id;
    std::string text;
};
struct described {
    std::int32_t id;
    std::optional<bool> flag;
};
BOOST_DESCRIBE_STRUCT(described, (), (id, flag))

TEST(copy_row_encoder, writes_the_header_and_the_end)
{
    std::string out;
    copy_row_encoder::begin(out);
    EXPECT_EQ(to_hex(out), to_hex(header));
    out.clear();
    copy_row_encoder::end(out);
    EXPECT_EQ(to_hex(out), "ffff");
}

TEST(copy_row_encoder, writes_rows_of_every_kind)
{
    const std::string id_1_text_x = "0002 00000008 0000000000000001 00000001 78";
    EXPECT_EQ(encode({oids::int8, oids::text}, std::tuple(std::int64_t{1}, "x")), to_hex(from_hex(id_1_text_x)));
    EXPECT_EQ(
        encode({oids::int8, oids::text}, std::pair(std::int64_t{1}, std::string("x"))), to_hex(from_hex(id_1_text_x)));
    EXPECT_EQ(encode({oids::int8, oids::text}, aggregate{1, "x"}), to_hex(from_hex(id_1_text_x)));
    EXPECT_EQ(
        encode({oids::int4, oids::bool_}, described{7, true}), to_hex(from_hex("0002 00000004 00000007 00000001 01")));
    EXPECT_EQ(
        encode({oids::int4, oids::bool_}, described{7, std::nullopt}),
        to_hex(from_hex("0002 00000004 00000007 ffffffff")));
    EXPECT_EQ(encode({oids::text}, std::string("one")), to_hex(from_hex("0001 00000003 6f6e65")));
    EXPECT_EQ(encode({oids::uuid}, tradecore::uuid{}), to_hex(from_hex("0001 00000010" + std::string(32, '0'))));
}

TEST(copy_row_encoder, converts_to_the_columns_type)
{
    EXPECT_EQ(encode({oids::int8}, 5), to_hex(from_hex("0001 00000008 0000000000000005")));
    EXPECT_EQ(encode({oids::int2}, std::int64_t{5}), to_hex(from_hex("0001 00000002 0005")));
    EXPECT_EQ(encode({oids::float8}, 1.5), to_hex(from_hex("0001 00000008 3ff8000000000000")));
    EXPECT_EQ(encode({oids::float8}, 1.5F), to_hex(from_hex("0001 00000008 3ff8000000000000")));
    EXPECT_EQ(encode({oids::float4}, 1.5F), to_hex(from_hex("0001 00000004 3fc00000")));
    // Whether the way is the direct one or the one of all arguments must not be seen.
    EXPECT_EQ(encode({oids::int8}, std::uint64_t{5}), encode({oids::int8}, std::int64_t{5}));
}

TEST(copy_row_encoder, names_row_and_column_of_what_does_not_fit)
{
    copy_row_encoder encoder(columns_of({oids::int8, oids::int2}));
    std::string out;
    encoder.append_row(out, 1, 2);
    const auto before = out;
    const auto message = message_of<argument_error>([&] { encoder.append_row(out, 1, 70'000); });
    EXPECT_EQ(message, "row 1, column \"b\": 70000 does not fit int2");
    EXPECT_EQ(out, before);
    EXPECT_NE(
        message_of<argument_error>([&] { encoder.append_row(out, 1); }).find("row 1 has 1 values for 2 columns"),
        std::string::npos);
    // Its four characters would be taken for a number.
    const auto text = message_of<argument_error>([&] { encoder.append_row(out, "1234", 1); });
    EXPECT_NE(text.find("column \"a\""), std::string::npos) << text;
    EXPECT_NE(
        message_of<argument_error>([&] { encoder.append_row(out, std::string("a\0b", 3), 1); }), "(nothing thrown)");
    EXPECT_EQ(out, before);
    encoder.append_row(out, 3, 4);
    EXPECT_EQ(encoder.rows(), 2U);
}

struct decoded {
    std::vector<std::pair<int, std::optional<std::string>>> rows;
    std::string error;
};

/// Feeds the data in pieces of `size` bytes.
decoded decode(const std::string& data, std::size_t size)
{
    decoded found;
    copy_row_decoder decoder;
    try {
        for (std::size_t at = 0; at < data.size(); at += size) {
            result rows;
            rows.describe(columns_of({oids::int4, oids::text}));
            decoder.feed(std::string_view(data).substr(at, size), rows);
            for (const auto row : rows)
                found.rows.emplace_back(row["a"].as<int>(), row["b"].as<std::optional<std::string>>());
        }
        decoder.finish();
    }
    catch (const protocol_error& error) {
        found.error = error.what();
    }
    return found;
}

TEST(copy_row_decoder, takes_data_cut_anywhere)
{
    const auto data = header + from_hex("0002 00000004 00000001 00000002 6162") +
                      from_hex("0002 00000004 00000002 ffffffff") + from_hex("0002 00000004 00000003 00000000") +
                      trailer;
    for (std::size_t size = 1; size <= data.size(); ++size) {
        const auto found = decode(data, size);
        EXPECT_EQ(found.error, "");
        ASSERT_EQ(found.rows.size(), 3U) << size;
        EXPECT_EQ(found.rows[0], (std::pair{1, std::optional<std::string>("ab")}));
        EXPECT_EQ(found.rows[1].second, std::nullopt);
        EXPECT_EQ(found.rows[2].second, "");
    }
}

TEST(copy_row_decoder, passes_over_an_extension_of_the_header)
{
    const auto extended = from_hex("5047434f50590aff0d0a00 00000001 00000003 aabbcc") + trailer;
    for (std::size_t size = 1; size <= extended.size(); ++size)
        EXPECT_EQ(decode(extended, size).error, "");
}

TEST(copy_row_decoder, refuses_malformed_data)
{
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"1\tone\n", "signature"},
        {from_hex("5047434f50590aff0d0a00 00010000 00000000"), "newer reader"},
        {from_hex("5047434f50590aff0d0a00 00000000 ffffffff"), "negative length"},
        {header + from_hex("0001 00000004 00000001"), "1 fields for 2 columns"},
        {header + from_hex("fffe"), "fields"},
        {header + from_hex("0002 fffffffe"), "impossible length"},
        {header + from_hex("0002 7fffffff"), "impossible length"},
        {header + trailer + from_hex("00"), "behind its end"},
        {header, "before its end"},
        {header + from_hex("0002 00000004 0000"), "before its end"},
        {"", "before its end"},
    };
    for (const auto& [data, why] : cases) {
        const auto found = decode(data, data.size() + 1);
        EXPECT_NE(found.error.find(why), std::string::npos) << why << ": " << found.error;
    }
}

TEST(copy_binary, comes_back_as_it_was)
{
    copy_row_encoder encoder(columns_of({oids::int4, oids::text}));
    std::string data;
    copy_row_encoder::begin(data);
    for (int i = 0; i < 1'000; ++i)
        encoder.append(data, std::tuple(i, std::string(static_cast<std::size_t>(i % 50), 'x')));
    copy_row_encoder::end(data);
    const auto found = decode(data, 777);
    EXPECT_EQ(found.error, "");
    ASSERT_EQ(found.rows.size(), 1'000U);
    for (int i = 0; i < 1'000; ++i)
        EXPECT_EQ(found.rows[static_cast<std::size_t>(i)].second->size(), static_cast<std::size_t>(i % 50));
}

} // namespace
} // namespace tradecore::pg
