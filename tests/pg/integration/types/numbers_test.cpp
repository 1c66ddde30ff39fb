// SPDX-License-Identifier: Apache-2.0
#include "pg/integration/types/round_trip.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace tradecore::pg::test {
namespace {

namespace asio = boost::asio;

template <class T>
asio::awaitable<void> expect_integers(connection& db, std::string type)
{
    using limits = std::numeric_limits<T>;
    const auto sent = samples<T>({limits::min(), limits::max(), 0, 1}, any_number<T>());
    const auto rows = co_await db.fetch<std::pair<T, std::string>>(
        runtime_sql("SELECT v, v::text FROM unnest($1::" + type + "[]) WITH ORDINALITY u(v, at) ORDER BY at"), sent);
    EXPECT_EQ(rows.size(), sent.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        EXPECT_EQ(rows[i].first, sent[i]);
        EXPECT_EQ(rows[i].second, std::to_string(sent[i]));
    }
}

template <class T, class Bits>
asio::awaitable<void> expect_floats(connection& db, std::string type)
{
    using limits = std::numeric_limits<T>;
    const auto any = rc::gen::map(rc::gen::arbitrary<Bits>(), [](Bits bits) {
        const auto value = std::bit_cast<T>(bits);
        return std::isnan(value) ? limits::quiet_NaN() : value;
    });
    const auto sent = samples<T>(
        {0, T(-0.0), limits::max(), limits::lowest(), limits::min(), limits::denorm_min(), limits::infinity(),
         -limits::infinity(), limits::quiet_NaN(), T(0.1), T(1e5), T(1e6), T(1e15)},
        any);
    const auto rows = co_await db.fetch<std::pair<T, std::string>>(
        runtime_sql("SELECT v, v::text FROM unnest($1::" + type + "[]) WITH ORDINALITY u(v, at) ORDER BY at"), sent);
    EXPECT_EQ(rows.size(), sent.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        EXPECT_EQ(std::bit_cast<Bits>(rows[i].first), std::bit_cast<Bits>(sent[i])) << rows[i].second;
        EXPECT_EQ(rows[i].second, parameters::encode(sent[i]).describe(100));
    }
}

TEST(numbers, make_the_round_trip)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await expect_integers<std::int16_t>(*db, "int2");
        co_await expect_integers<std::int32_t>(*db, "int4");
        co_await expect_integers<std::int64_t>(*db, "int8");
        co_await expect_integers<std::uint32_t>(*db, "oid");
        co_await expect_floats<float, std::uint32_t>(*db, "float4");
        co_await expect_floats<double, std::uint64_t>(*db, "float8");
    });
}

TEST(numbers, of_any_precision_make_the_round_trip)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto digits = [](std::size_t most) {
            return rc::gen::resize(
                static_cast<int>(most),
                rc::gen::container<std::string>(rc::gen::elementOf(std::string("0001234567899"))));
        };
        const auto any =
            rc::gen::map(rc::gen::tuple(rc::gen::arbitrary<bool>(), digits(40), digits(40)), [](const auto& parts) {
                const auto& [minus, whole, fraction] = parts;
                return numeric::from_string((minus ? "-0" : "0") + whole + (fraction.empty() ? "" : "." + fraction));
            });
        const std::vector<numeric> edges = {
            numeric(),
            numeric::nan(),
            numeric::infinity(),
            numeric::infinity(true),
            numeric::from_string("0.000"),
            numeric::from_string("1.500"),
            numeric::from_string(std::string(131'072, '9')),
            numeric::from_string("1e-16383"),
            numeric(std::numeric_limits<std::int64_t>::min()),
            numeric::from_string("10000"),
            numeric::from_string("-0.0001")};
        co_await expect_round_trip(*db, "numeric", samples(edges, any));
    });
}

TEST(numbers, of_money_make_the_round_trip)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        using limits = std::numeric_limits<std::int64_t>;
        co_await expect_round_trip(
            *db, "money",
            samples<money>(
                {{0}, {5}, {-5}, {limits::max()}, {limits::min()}, {100'000}, {-99'999}},
                rc::gen::map(any_number<std::int64_t>(), [](std::int64_t cents) { return money{cents}; })));
    });
}

TEST(numbers, of_the_system_make_the_round_trip)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto any = rc::gen::arbitrary<std::uint64_t>();
        co_await expect_round_trip(
            *db, "pg_lsn",
            samples<lsn>({{0}, {~std::uint64_t{0}}, {0x1'0000'0000}}, rc::gen::map(any, [](std::uint64_t at) {
                             return lsn{at};
                         })));
        co_await expect_round_trip(
            *db, "xid8",
            samples<transaction_id>({{0}, {~std::uint64_t{0}}}, rc::gen::map(any, [](std::uint64_t number) {
                                        return transaction_id{number};
                                    })));
    });
}

TEST(bits, make_the_round_trip)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto any =
            rc::gen::map(rc::gen::container<std::string>(rc::gen::element('0', '1')), [](const std::string& text) {
                return bit_string::parse(text).value();
            });
        const auto parse = [](const char* text) { return bit_string::parse(text).value(); };
        const auto all = samples<bit_string>({parse(""), parse("1"), parse("00000000"), parse("111111111")}, any);
        co_await expect_round_trip(*db, "varbit", all);
        auto ours = all;
        std::sort(ours.begin(), ours.end());
        EXPECT_EQ(ours, (co_await db->fetch<bit_string>("SELECT v FROM unnest($1::varbit[]) v ORDER BY v", all)));
        const auto eight = rc::gen::map(rc::gen::inRange(0, 256), [](int byte) {
            const auto value = static_cast<char>(byte);
            return bit_string::from_bytes(8, std::string_view(&value, 1)).value();
        });
        co_await expect_round_trip(*db, "bit(8)", samples<bit_string>({parse("00000000"), parse("10000001")}, eight));
    });
}

} // namespace
} // namespace tradecore::pg::test
