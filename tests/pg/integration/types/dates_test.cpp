// SPDX-License-Identifier: Apache-2.0
#include "pg/integration/types/round_trip.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace tradecore::pg::test {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using std::chrono::microseconds;
using std::chrono::sys_days;
using local_micros = std::chrono::local_time<microseconds>;

// The server's first and last day, and its first microsecond; our last one is that of 64 bits.
constexpr std::int64_t first_day = -2'440'588;
constexpr std::int64_t last_day = 2'145'042'905;
constexpr std::int64_t first_micro = first_day * 86'400'000'000;
constexpr std::int64_t last_micro = std::numeric_limits<std::int64_t>::max();

sys_days day(std::int64_t since_1970)
{
    return sys_days(std::chrono::days(since_1970));
}

rc::Gen<sys_days> any_day()
{
    return rc::gen::map(any_number<std::int64_t>(first_day, last_day), day);
}

template <class T>
rc::Gen<T> any_time_point()
{
    return rc::gen::map(
        rc::gen::oneOf(
            any_number<std::int64_t>(first_micro, last_micro),
            rc::gen::inRange<std::int64_t>(-2'000'000'000'000'000, 4'000'000'000'000'000)),
        [](std::int64_t micros) { return T(microseconds(micros)); });
}

template <class T>
std::vector<extended<T>> with_infinities(const std::vector<T>& finite)
{
    std::vector<extended<T>> all(finite.begin(), finite.end());
    all.insert(all.begin() + 2, {extended<T>::infinity(), extended<T>::minus_infinity()});
    return all;
}

TEST(dates, make_the_round_trip)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto days = samples({day(first_day), day(last_day), day(0), day(-719'163), day(-719'162)}, any_day());
        co_await expect_round_trip(*db, "date", days);
        co_await expect_round_trip(*db, "date", with_infinities(days));
    });
}

TEST(dates, of_the_other_chrono_types_are_the_same)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto leap_day = std::chrono::year(2024) / 2 / 29;
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT $1::date::text", leap_day), "2024-02-29");
        EXPECT_EQ(co_await db->fetchval<std::chrono::year_month_day>("SELECT DATE '2024-02-29'"), leap_day);
        EXPECT_EQ(
            co_await db->fetchval<std::chrono::local_days>("SELECT DATE '2024-02-29'"),
            std::chrono::local_days(leap_day));
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT $1::timestamp::text", leap_day), "2024-02-29 00:00:00");
        EXPECT_EQ(
            co_await db->fetchval<std::string>("SELECT $1::timestamp::text", extended<sys_days>::minus_infinity()),
            "-infinity");
    });
}

TEST(timestamps, make_the_round_trip)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const std::vector<local_micros> edges = {
            local_micros(microseconds(first_micro)), local_micros(microseconds(last_micro)), local_micros(0us),
            local_micros(-1us), local_micros(microseconds(-62'135'596'800'000'001))};
        const auto times = samples(edges, any_time_point<local_micros>());
        co_await expect_round_trip(*db, "timestamp", times);
        co_await expect_round_trip(*db, "timestamp", with_infinities(times));
    });
}

TEST(timestamps, with_time_zone_make_the_round_trip)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const std::vector<timestamptz> edges = {
            timestamptz(microseconds(first_micro)), timestamptz(microseconds(last_micro)), timestamptz(0us),
            timestamptz(-1us)};
        const auto times = samples(edges, any_time_point<timestamptz>());
        co_await expect_round_trip(*db, "timestamptz", times);
        co_await expect_round_trip(*db, "timestamptz", with_infinities(times));
    });
}

TEST(timestamps, with_time_zone_are_read_in_text_in_every_zone)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto times = samples({timestamptz(0us), timestamptz(1us)}, any_time_point<timestamptz>());
        (void)co_await db->execute("CREATE TEMP TABLE moments AS SELECT unnest($1::timestamptz[]) v", times);
        for (const auto* const zone : {"Asia/Kolkata", "America/New_York", "Africa/Monrovia", "Europe/Amsterdam"}) {
            const auto all = co_await db->run_script(runtime_sql(
                                                         "SET TimeZone TO '" + std::string(zone) +
                                                         "'; SELECT v FROM moments WHERE v BETWEEN "
                                                         "'4000-01-01 BC' AND '290000-01-01' ORDER BY v")
                                                         .text());
            const auto sorted = co_await db->fetch<timestamptz>(
                "SELECT v FROM moments WHERE v BETWEEN '4000-01-01 BC' AND '290000-01-01' ORDER BY v");
            EXPECT_GT(sorted.size(), 50U);
            for (std::size_t i = 0; i < sorted.size(); ++i) {
                EXPECT_EQ(all.at(1)[i][0].as<timestamptz>(), sorted[i]) << zone;
            }
        }
    });
}

TEST(times_of_day, make_the_round_trip)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto any_time = rc::gen::map(any_number<std::int64_t>(0, 86'400'000'000), [](std::int64_t micros) {
            return time_of_day(microseconds(micros));
        });
        co_await expect_round_trip(
            *db, "time", samples({time_of_day(0us), time_of_day(24h), time_of_day(24h - 1us)}, any_time));
        const auto any_zoned =
            rc::gen::map(rc::gen::pair(any_time, any_number<int>(-57'599, 57'600)), [](const auto& parts) {
                return zoned_time_of_day(parts.first, std::chrono::seconds(parts.second));
            });
        const std::vector<zoned_time_of_day> edges = {
            {time_of_day(0us), 0s}, {time_of_day(24h), 57'599s}, {time_of_day(24h), -57'599s}, {time_of_day(1us), -1s}};
        const auto zoned = samples(edges, any_zoned);
        co_await expect_round_trip(*db, "timetz", zoned);
        // The order is the server's.
        auto ours = zoned;
        std::sort(ours.begin(), ours.end());
        EXPECT_EQ(
            ours, (co_await db->fetch<zoned_time_of_day>("SELECT v FROM unnest($1::timetz[]) v ORDER BY v", zoned)));
    });
}

TEST(times_of_day, of_leap_seconds_are_the_servers_affair)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        EXPECT_EQ(co_await db->fetchval<time_of_day>("SELECT $1::time", "23:59:60"), time_of_day(24h));
        EXPECT_EQ(
            to_string(co_await db->fetchval<timestamptz>("SELECT $1::timestamptz", "2016-12-31 23:59:60+00")),
            "2017-01-01 00:00:00+00");
    });
}

rc::Gen<interval> any_interval()
{
    const auto months = any_number<std::int32_t>();
    const auto days = any_number<std::int32_t>();
    const auto micros =
        rc::gen::oneOf(any_number<std::int64_t>(), rc::gen::inRange<std::int64_t>(-200'000'000'000, 200'000'000'000));
    const auto sometimes = [](auto gen) {
        return rc::gen::weightedOneOf<typename decltype(gen)::ValueType>(
            {{1, rc::gen::just(typename decltype(gen)::ValueType{})}, {2, gen}});
    };
    return rc::gen::map(rc::gen::tuple(sometimes(months), sometimes(days), sometimes(micros)), [](const auto& parts) {
        return interval{std::get<0>(parts), std::get<1>(parts), microseconds(std::get<2>(parts))};
    });
}

std::vector<interval> edge_intervals()
{
    constexpr auto low = std::numeric_limits<std::int32_t>::min();
    constexpr auto high = std::numeric_limits<std::int32_t>::max();
    return {
        {},
        {.months = 14, .days = 3, .time = 4h + 5min + 6'789ms},
        {.months = high, .days = high, .time = microseconds::max()},
        {.months = low + 1, .days = low + 1, .time = microseconds::min() + 1us},
        {.months = -1, .days = 1, .time = -1us},
        {.months = 1, .days = -1, .time = 1us},
        {.days = 1},
        {.time = -500ms},
        {.months = -14, .days = 3, .time = -1s}};
}

TEST(intervals, make_the_round_trip)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await expect_round_trip(*db, "interval", samples(edge_intervals(), any_interval()));
    });
}

TEST(intervals, are_read_in_text_in_every_style)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto all = samples(edge_intervals(), any_interval());
        (void)co_await db->execute(
            "CREATE TEMP TABLE spans AS SELECT * FROM unnest($1::interval[]) WITH ORDINALITY u(v, at)", all);
        for (const auto* const style : {"postgres", "postgres_verbose", "sql_standard", "iso_8601"}) {
            const auto read = co_await db->run_script(
                runtime_sql("SET IntervalStyle TO " + std::string(style) + "; SELECT v, v::text FROM spans ORDER BY at")
                    .text());
            for (std::size_t i = 0; i < all.size(); ++i) {
                const auto row = read.at(1)[i];
                const auto text = row[1].as<std::string>();
                EXPECT_EQ(interval::parse(text), all[i]) << style << ": " << text << " is " << all[i].to_string();
                EXPECT_EQ(row[0].as<interval>(), all[i]) << style << ": " << text;
            }
        }
    });
}

TEST(intervals, are_durations_where_they_are_fixed_times)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT $1::interval::text", 90min), "01:30:00");
        EXPECT_EQ(co_await db->fetchval<std::chrono::seconds>("SELECT $1::interval", 90min), 5400s);
        std::string message;
        try {
            (void)co_await db->fetchval<std::chrono::seconds>("SELECT INTERVAL '1 day' AS span");
        }
        catch (const type_error& error) {
            message = error.what();
        }
        EXPECT_EQ(
            message,
            "column \"span\" of type interval as std::chrono::duration: 1 day has months or days, which are no "
            "fixed time; take a tradecore::pg::interval");
    });
}

} // namespace
} // namespace tradecore::pg::test
