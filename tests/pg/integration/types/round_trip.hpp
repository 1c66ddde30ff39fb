// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/pg/connection.hpp>
#include <tradecore/pg/types.hpp>

#include <boost/asio/this_coro.hpp>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

// Values on their way to a real server and back: binary there and back, the server's text of them, text back, with
// NULLs and in arrays. All cases of a type travel together.
namespace tradecore::pg::test {

using tradecore::test::run;

inline boost::asio::awaitable<std::unique_ptr<connection>> connect()
{
    const auto executor = co_await boost::asio::this_coro::executor;
    auto opened = co_await connection::connect(executor, connect_options::parse(tradecore::test::dsn()));
    (void)co_await opened->run_script(
        {"SET DateStyle TO ISO; SET TimeZone TO 'UTC'; SET IntervalStyle TO postgres; SET lc_monetary TO 'C'",
         nullptr});
    co_return opened;
}

/// @returns the seed of this run's values; TRADECORE_TEST_SEED repeats one.
inline std::uint64_t seed()
{
    static const std::uint64_t chosen = [] {
        const char* const given = std::getenv("TRADECORE_TEST_SEED");
        return given != nullptr ? std::strtoull(given, nullptr, 10) : std::uint64_t{std::random_device()()};
    }();
    return chosen;
}

inline constexpr std::size_t sample_count = 150;

/// @returns the edges, then so many generated values that the limit is reached.
template <class T>
std::vector<T> samples(std::vector<T> edges, const rc::Gen<T>& others)
{
    rc::Random random(seed());
    while (edges.size() < sample_count) {
        edges.push_back(others(random.split(), rc::kNominalSize).value());
    }
    return edges;
}

/// Whole numbers of any size, small ones as often as large ones.
template <class T>
rc::Gen<T> any_number(T least = std::numeric_limits<T>::min(), T most = std::numeric_limits<T>::max())
{
    const T low = std::is_signed_v<T> && least < static_cast<T>(-1000) ? static_cast<T>(-1000) : least;
    const T high = most > T(1000) ? T(1000) : most;
    return rc::gen::oneOf(rc::gen::inRange<T>(low, high), rc::gen::inRange<T>(least, most));
}

/// Doubles of any bits: all magnitudes, the infinities, NaN.
inline rc::Gen<double> any_double()
{
    return rc::gen::oneOf(
        rc::gen::map(rc::gen::inRange<int>(-10'000, 10'000), [](int value) { return value / 8.0; }),
        rc::gen::map(rc::gen::inRange<std::uint64_t>(0, ~std::uint64_t{0}), [](std::uint64_t bits) {
            return std::bit_cast<double>(bits);
        }));
}

/// The binary form, which tells apart what == does not: NaN, -0, scales of numerics.
template <class T>
std::string bytes_of(const T& value)
{
    detail::argument_buffer buffer;
    parameter_writer to(buffer, 1);
    if constexpr (encodable<T>) {
        parameter_traits<T>::encode(value, to);
    }
    else {
        return bytes_of(parameter_traits<T>::convert(value));
    }
    return {buffer.begin(), buffer.end()};
}

template <class T>
std::string text_of(const T& value)
{
    if constexpr (requires { value.to_string(); }) {
        return value.to_string();
    }
    else if constexpr (requires { std::string(value); }) {
        return std::string(value);
    }
    else {
        return to_string(value);
    }
}

template <class T>
void expect_same(const std::optional<T>& read, const T& sent, const char* how)
{
    ASSERT_TRUE(read) << how << " of " << text_of(sent);
    EXPECT_EQ(bytes_of(*read), bytes_of(sent)) << how << ": " << text_of(*read) << " from " << text_of(sent);
}

/// What a type's round trip leaves out.
struct round_trip_options {
    /// `to_string` is not the server's text.
    bool other_text = false;
};

/// @param type the SQL type's name.
template <class T>
boost::asio::awaitable<void>
expect_round_trip(connection& db, std::string type, std::vector<T> values, round_trip_options options = {})
{
    SCOPED_TRACE(type + ", TRADECORE_TEST_SEED=" + std::to_string(seed()));
    using optional = std::optional<T>;
    std::vector<optional> with_null(values.begin(), values.end());
    with_null.insert(with_null.begin() + 1, std::nullopt);
    (void)co_await db.run_script(
        runtime_sql("DROP TABLE IF EXISTS pg_temp.trip; CREATE TEMP TABLE trip (at bigint, v " + type + ")").text());
    const auto insert =
        runtime_sql("INSERT INTO trip SELECT u.at, u.v FROM unnest($1::" + type + "[]) WITH ORDINALITY u(v, at)");
    (void)co_await db.execute(insert, with_null);

    // Each alone: binary, and the server's text.
    const auto rows = co_await db.template fetch<std::pair<optional, std::string>>(
        runtime_sql("SELECT v, format('%s', v) FROM trip ORDER BY at"));
    EXPECT_EQ(rows.size(), with_null.size());
    for (std::size_t i = 0; i < rows.size() && i < with_null.size(); ++i) {
        if (!with_null[i]) {
            EXPECT_FALSE(rows[i].first);
            continue;
        }
        expect_same(rows[i].first, *with_null[i], "binary");
        if (!options.other_text) {
            EXPECT_EQ(text_of(*with_null[i]), rows[i].second);
        }
    }

    // As an array.
    const auto array =
        co_await db.template fetchval<std::vector<optional>>(runtime_sql("SELECT array_agg(v ORDER BY at) FROM trip"));
    EXPECT_EQ(array.size(), with_null.size());
    for (std::size_t i = 0; i < array.size() && i < with_null.size(); ++i) {
        if (with_null[i]) {
            expect_same(array[i], *with_null[i], "in an array");
        }
        else {
            EXPECT_FALSE(array[i]);
        }
    }

    // In text format, as a script's results are; alone and in an array.
    const auto texts =
        co_await db.run_script({"SELECT v FROM trip ORDER BY at; SELECT array_agg(v ORDER BY at) FROM trip", nullptr});
    const auto text_array = texts.at(1)[0][0].template as<std::vector<optional>>();
    EXPECT_EQ(text_array.size(), with_null.size());
    for (std::size_t i = 0; i < texts.at(0).size() && i < with_null.size(); ++i) {
        const auto alone = texts.at(0)[i][0].template as<optional>();
        if (with_null[i]) {
            expect_same(alone, *with_null[i], "text");
            expect_same(text_array.at(i), *with_null[i], "text in an array");
        }
        else {
            EXPECT_FALSE(alone);
            EXPECT_FALSE(text_array.at(i));
        }
    }

    // As an argument by itself.
    const auto back = runtime_sql("SELECT $1::" + type);
    for (std::size_t i = 0; i < 5 && i < values.size(); ++i) {
        expect_same(co_await db.template fetchval<optional>(back, values[i]), values[i], "argument");
    }
    EXPECT_EQ(co_await db.template fetchval<optional>(back, optional()), std::nullopt);
}

} // namespace tradecore::pg::test
