// SPDX-License-Identifier: Apache-2.0
#include "pg/integration/types/round_trip.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace tradecore::pg::test {
namespace {

namespace asio = boost::asio;
using std::chrono::microseconds;
using std::chrono::sys_days;
using local_micros = std::chrono::local_time<microseconds>;

template <class T>
rc::Gen<range<T>> any_range(const rc::Gen<T>& bound)
{
    const auto end = rc::gen::weightedOneOf<std::optional<T>>(
        {{1, rc::gen::just(std::optional<T>())},
         {5, rc::gen::map(bound, [](const T& value) { return std::optional<T>(value); })}});
    return rc::gen::map(rc::gen::tuple(end, end, rc::gen::inRange(0, 4)), [](auto parts) {
        auto& [lower, upper, bounds] = parts;
        if (lower && upper && *upper < *lower) {
            std::swap(lower, upper);
        }
        return range<T>::make(lower, upper, static_cast<range_bounds>(bounds)).value_or(range<T>());
    });
}

template <class T>
asio::awaitable<void> expect_ranges(connection& db, std::string type, rc::Gen<T> bound, std::vector<range<T>> edges)
{
    edges.push_back(range<T>());
    edges.push_back(range<T>::all());
    co_await expect_round_trip(db, type + "range", samples(edges, any_range(bound)));
    const auto several = rc::gen::map(
        rc::gen::resize(6, rc::gen::container<std::vector<range<T>>>(any_range(bound))),
        [](std::vector<range<T>> parts) { return multirange<T>(std::move(parts)); });
    const std::vector<multirange<T>> few = {multirange<T>(), {range<T>::all()}, {range<T>()}, multirange<T>(edges)};
    co_await expect_round_trip(db, type + "multirange", samples(few, several));
}

TEST(ranges, of_whole_numbers_make_the_round_trip)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        constexpr auto low = std::numeric_limits<std::int32_t>::min();
        constexpr auto high = std::numeric_limits<std::int32_t>::max();
        co_await expect_ranges<std::int32_t>(
            *db, "int4", any_number<std::int32_t>(), {{low, high}, {1, 5, range_bounds::both}});
        co_await expect_ranges<std::int64_t>(*db, "int8", rc::gen::inRange<std::int64_t>(-50, 50), {{1, 5}});
        // Into the wider types, too.
        EXPECT_EQ(
            (co_await db->fetchval<range<std::int64_t>>("SELECT $1::int8range", range<std::int32_t>(1, 5))),
            range<std::int64_t>(1, 5));
        EXPECT_EQ(
            (co_await db->fetchval<std::string>(
                "SELECT $1::int8multirange::text", multirange<std::int32_t>{{1, 5}, {7, 8}})),
            "{[1,5),[7,8)}");
    });
}

TEST(ranges, of_decimals_make_the_round_trip)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto bound = rc::gen::map(
            rc::gen::pair(rc::gen::inRange<std::int64_t>(-10'000, 10'000), rc::gen::inRange(0, 4)),
            [](const auto& parts) { return numeric::from_scaled(parts.first, parts.second); });
        co_await expect_ranges<numeric>(
            *db, "num", bound,
            {{numeric::infinity(true), numeric::infinity()}, {numeric(1), numeric(1), range_bounds::both}});
    });
}

TEST(ranges, of_dates_and_times_make_the_round_trip)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto any_day = rc::gen::map(rc::gen::inRange<std::int64_t>(-800'000, 800'000), [](std::int64_t days) {
            return extended<sys_days>(sys_days(std::chrono::days(days)));
        });
        using day = extended<sys_days>;
        co_await expect_ranges<day>(
            *db, "date", any_day,
            {{day::minus_infinity(), day::infinity(), range_bounds::both},
             {sys_days(), day::infinity()},
             {day::minus_infinity(), sys_days(), range_bounds::both}});
        const auto micros = rc::gen::inRange<std::int64_t>(-100'000'000'000'000'000, 100'000'000'000'000'000);
        co_await expect_ranges<local_micros>(
            *db, "ts", rc::gen::map(micros, [](std::int64_t count) { return local_micros(microseconds(count)); }), {});
        using instant = extended<timestamptz>;
        co_await expect_ranges<instant>(
            *db, "tstz",
            rc::gen::map(micros, [](std::int64_t count) { return instant(timestamptz(microseconds(count))); }),
            {{instant::minus_infinity(), instant::infinity(), range_bounds::both}});
    });
}

TEST(ranges, that_users_create_are_read_and_written_like_the_built_in_ones)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        (void)co_await db->run_script(
            {"CREATE TYPE pg_temp.span AS RANGE (subtype = int8); CREATE TYPE pg_temp.words AS RANGE (subtype = text)",
             nullptr});
        const range<std::int64_t> sent(1, 5);
        EXPECT_EQ((co_await db->fetchval<range<std::int64_t>>("SELECT $1::pg_temp.span", sent)), sent);
        EXPECT_EQ(
            (co_await db->fetchval<range<std::string>>("SELECT '[a,\"b \\\"c,)\"]'::pg_temp.words")),
            (range<std::string>("a", "b \"c,)", range_bounds::both)));
        const auto script = co_await db->run_script({"SELECT '[a,\"b \\\"c,)\"]'::pg_temp.words", nullptr});
        EXPECT_EQ(script.at(0).size(), 1U);
    });
}

} // namespace
} // namespace tradecore::pg::test
