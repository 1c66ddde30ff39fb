// SPDX-License-Identifier: Apache-2.0
#include "market/price_reader.hpp"
#include "market/sample.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>
#include <fstream>
#include <unistd.h>

namespace tradecore::app::market {
namespace {

using domain::parse_timestamp;
using domain::price;

std::string refusal(std::string_view text, const std::optional<std::string>& symbol = std::nullopt)
{
    try {
        parse_prices(text, "p.csv", symbol);
    }
    catch (const price_error& error) {
        return error.what();
    }
    return "no error";
}

TEST(prices, reads_a_close_as_bid_and_ask)
{
    const auto series = parse_prices(
        "timestamp,open,high,low,close,volume\n"
        "2021-12-31 23:01:00.000000,46319.0,46385.0,46319.0,46377.0,2300413.7295\n"
        "2021-12-31 23:02:00.000000,46377.0,46411.0,46377.0,46411.0,1829623.1938\n",
        "/data/btc-perp-1m-2022-01.csv");
    EXPECT_EQ(series.symbol, "BTC-PERP-1M-2022-01");
    ASSERT_EQ(series.ticks.size(), 2U);
    EXPECT_EQ(
        series.ticks[0],
        (tick{parse_timestamp("2021-12-31T23:01:00Z"), price::whole(46377), price::whole(46377), price::whole(46377)}));
    EXPECT_EQ(series.ticks[1].ask, price::whole(46411));
    EXPECT_EQ(series.digest, digest_of(series.symbol, series.ticks));
}

TEST(prices, reads_bid_and_ask_in_any_column_with_a_zone)
{
    const auto series = parse_prices(
        "\xef\xbb\xbf\"Ask\", BID ,Symbol,Timestamp\r\n\"2.5\",2.25,A,2022-01-01T01:00:00+01:00\r\n", "p.csv");
    EXPECT_EQ(series.symbol, "A");
    EXPECT_EQ(
        series.ticks,
        (std::vector<tick>{
            {parse_timestamp("2022-01-01"), price::parse("2.25"), price::parse("2.5"), price::parse("2.25")}}));
}

TEST(prices, values_holdings_at_the_close_where_there_is_one)
{
    EXPECT_EQ(parse_prices("timestamp,bid,ask,price\n2022-01-01,1,3,2\n", "p.csv").ticks.front().mark, price::whole(2));
}

TEST(prices, takes_the_symbol_that_is_asked_for)
{
    const std::string two = "timestamp,symbol,price\n2022-01-01,A,1\n2022-01-01,B,2\n2022-01-02,A,3\n";
    EXPECT_EQ(parse_prices(two, "p.csv", "A").ticks.size(), 2U);
    EXPECT_EQ(parse_prices(two, "p.csv", "B").ticks.front().bid, price::whole(2));
    EXPECT_EQ(refusal(two), "p.csv: several symbols (A, B): choose one with --symbol");
    EXPECT_EQ(refusal(two, "C"), "p.csv: no line of symbol C; there is A, B");
    EXPECT_EQ(refusal(two, ""), "p.csv: \"\" is not a symbol: 1 to 32 letters, digits or . _ : / -");
    EXPECT_EQ(parse_prices("timestamp,price\n2022-01-01,1\n", "p.csv", "ETH").symbol, "ETH");
    EXPECT_EQ(parse_prices("timestamp,price\n2022-01-01,1\n", "dir/my file+.csv").symbol, "MY-FILE-");
}

TEST(prices, refuses_a_header_it_cannot_use)
{
    EXPECT_EQ(refusal(""), "p.csv: the file is empty");
    EXPECT_EQ(refusal("\n\n"), "p.csv: the file is empty");
    EXPECT_EQ(refusal("time,close\n"), "p.csv:1: the header has no column timestamp");
    EXPECT_EQ(refusal("2022-01-01,1\n"), "p.csv:1: the header has no column timestamp");
    EXPECT_EQ(refusal("timestamp,open\n"), "p.csv:1: the header has none of close, price, and bid with ask");
    EXPECT_EQ(refusal("timestamp,bid\n"), "p.csv:1: the header has bid without ask");
    EXPECT_EQ(refusal("timestamp,ask,close\n"), "p.csv:1: the header has ask without bid");
    EXPECT_EQ(refusal("timestamp,close,price\n"), "p.csv:1: the header has both close and price");
    EXPECT_EQ(refusal("timestamp,close,Close\n"), "p.csv:1: the header has the column close twice");
    EXPECT_EQ(refusal("timestamp,close\n"), "p.csv: no line follows the header");
}

TEST(prices, refuses_a_wrong_line_with_its_number)
{
    const auto line = [](const std::string& text) {
        return refusal("timestamp,close\n2022-01-01,1\n" + text + "\n2022-01-09,1\n");
    };
    EXPECT_EQ(line("2022-01-02"), "p.csv:3: 1 columns, the header has 2");
    EXPECT_EQ(line("2022-01-02,1,1"), "p.csv:3: 3 columns, the header has 2");
    EXPECT_EQ(line(""), "p.csv:3: the line is empty");
    EXPECT_EQ(line("2022-01-02,abc"), "p.csv:3: close: \"abc\" is not a price: it does not begin with a digit");
    EXPECT_EQ(line("2022-01-02,"), "p.csv:3: close: \"\" is not a price: it is empty");
    EXPECT_EQ(
        line("2022-01-02,1.123456789"), "p.csv:3: close: \"1.123456789\" is not a price: it has more than 8 decimals");
    EXPECT_EQ(line("2022-01-02,0"), "p.csv:3: close is 0, it must be positive");
    EXPECT_EQ(line("2022-01-02,-1.5"), "p.csv:3: close is -1.5, it must be positive");
    EXPECT_EQ(line("2022-02-30,1"), "p.csv:3: timestamp \"2022-02-30\" is not a time: 2022-02 has no day 30");
    EXPECT_EQ(line(",1"), "p.csv:3: timestamp \"\" is not a time: it is empty");
    EXPECT_EQ(line("\"2022-01-02,1"), "p.csv:3: a quoted field is not closed");
    EXPECT_EQ(
        line("2022-01-01,1"),
        "p.csv:3: the time 2022-01-01T00:00:00.000000Z is not after 2022-01-01T00:00:00.000000Z of the line before");
    EXPECT_EQ(
        line("2021-12-31T23:00,1"),
        "p.csv:3: the time 2021-12-31T23:00:00.000000Z is not after 2022-01-01T00:00:00.000000Z of the line before");
}

TEST(prices, refuses_crossed_prices_and_bad_symbols)
{
    EXPECT_EQ(refusal("timestamp,bid,ask\n2022-01-01,2,1\n"), "p.csv:2: the bid 2 is above the ask 1");
    EXPECT_EQ(
        refusal("timestamp,bid,ask,symbol\n2022-01-01,1,2,\n"),
        "p.csv:2: \"\" is not a symbol: 1 to 32 letters, digits or . _ : / -");
    EXPECT_EQ(
        refusal("timestamp,bid,ask,close\n2022-01-01,1,2,x\n"),
        "p.csv:2: close: \"x\" is not a price: it does not begin with a digit");
}

TEST(prices, checks_the_lines_of_other_symbols_too)
{
    EXPECT_EQ(
        refusal("timestamp,symbol,price\n2022-01-01,A,1\n2022-01-01,B,0\n", "A"),
        "p.csv:3: price is 0, it must be positive");
}

TEST(prices, tells_one_series_from_another)
{
    const auto first = make_sample(1, 10);
    auto other = first.ticks;
    other.back().ask += price::from_raw(1);
    EXPECT_NE(digest_of(first.symbol, first.ticks), digest_of(first.symbol, other));
    EXPECT_NE(digest_of(first.symbol, first.ticks), digest_of("OTHER", first.ticks));
    EXPECT_NE(
        digest_of(first.symbol, first.ticks), digest_of(first.symbol, {first.ticks.begin(), first.ticks.end() - 1}));
    EXPECT_EQ(digest_of("", {}).size(), 32U);
}

class price_file : public ::testing::Test {
protected:
    price_file()
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "tradecore-prices-XXXXXX").string();
        folder = ::mkdtemp(pattern.data());
    }
    ~price_file() override { std::filesystem::remove_all(folder); }

    std::filesystem::path folder;
};

TEST_F(price_file, is_read_like_its_text)
{
    const auto file = folder / "sample.csv";
    const auto sample = make_sample(3, 5000);
    std::ofstream(file, std::ios::binary) << to_csv(sample);
    EXPECT_EQ(read_prices(file), sample);
}

TEST_F(price_file, that_cannot_be_read_is_named)
{
    const auto said = [](const std::filesystem::path& file) -> std::string {
        try {
            read_prices(file);
        }
        catch (const price_error& error) {
            return error.what();
        }
        return "no error";
    };
    EXPECT_EQ(said(folder / "none.csv"), (folder / "none.csv").string() + ": No such file or directory");
    EXPECT_EQ(said(folder), folder.string() + ": Is a directory");
}

TEST(sample, is_the_same_everywhere_and_says_what_it_is)
{
    const auto series = make_sample(42, 1000);
    EXPECT_EQ(series.symbol, "SAMPLE-PERP");
    EXPECT_EQ(series.ticks.size(), 1000U);
    EXPECT_EQ(domain::to_text(series.ticks.front().time), "2022-01-01T00:00:00.000000Z");
    EXPECT_EQ(series.digest, "b072f87c7ab3e7dfa9b26f15cf525770");
    EXPECT_NE(make_sample(43, 1000).digest, series.digest);
}

RC_GTEST_PROP(sample_property, holds_valid_prices_that_survive_csv, (std::uint64_t seed))
{
    const auto series = make_sample(seed, *rc::gen::inRange<std::size_t>(1, 300));
    for (std::size_t i = 0; i < series.ticks.size(); ++i) {
        RC_ASSERT(series.ticks[i].bid.is_positive());
        RC_ASSERT(series.ticks[i].bid < series.ticks[i].ask);
        // Bracketed: RC_ASSERT takes a bare || apart and evaluates both sides.
        RC_ASSERT((i == 0 || series.ticks[i - 1].time < series.ticks[i].time));
    }
    RC_ASSERT(parse_prices(to_csv(series), "x.csv") == series);
}

RC_GTEST_PROP(prices_property, any_text_is_read_or_refused_by_name, ())
{
    const auto body = *rc::gen::container<std::string>(
        rc::gen::element('0', '1', '2', '-', ':', '.', ',', '"', '\n', '\r', 'T', 'Z', 'e', '\0', '\xff'));
    const auto said = refusal("timestamp,close\n" + body);
    RC_ASSERT((said == "no error" || said.starts_with("p.csv:")));
}

} // namespace
} // namespace tradecore::app::market
