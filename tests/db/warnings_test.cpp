// SPDX-License-Identifier: Apache-2.0
#include "db/warnings.hpp"

#include <tradecore/db/errors.hpp>
#include <tradecore/db/health.hpp>

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace tradecore {
namespace {

using namespace std::chrono_literals;

TEST(warnings, are_worded_byte_for_byte)
{
    EXPECT_EQ(
        detail::pool_exhaustion_line("main", 95, 100),
        "[POOL EXHAUSTION] main pool at 95/100 active connections (95% usage, 5 free)");
    EXPECT_EQ(
        detail::slow_query_line("main", "FETCH", 1523ms, "SELECT * FROM users WHERE status = $1", "'active'"),
        "[SLOW QUERY] main FETCH took 1523ms: SELECT * FROM users WHERE status = $1 | args: 'active'");
    EXPECT_EQ(
        detail::slow_query_line("vb", "EXECUTE", 1001ms, "SELECT 1", ""),
        "[SLOW QUERY] vb EXECUTE took 1001ms: SELECT 1");
    EXPECT_EQ(
        detail::long_transaction_line("main", 3042ms, 2000ms),
        "[LONG TRANSACTION] main transaction took 3042ms (threshold: 2000ms)");
    EXPECT_EQ(
        detail::slow_acquire_line("main", 812ms, 500ms), "[SLOW ACQUIRE] main acquire took 812ms (threshold: 500ms)");
}

TEST(warnings, cut_long_text_between_characters)
{
    EXPECT_EQ(detail::shorten("abc", 3), "abc");
    EXPECT_EQ(detail::shorten("abcd", 3), "abc…");
    EXPECT_EQ(detail::shorten("aé", 2), "a…");
    EXPECT_EQ(detail::shorten("aé€", 3), "aé…");
}

TEST(warnings, have_texts_of_utf8_whatever_they_are_made_of)
{
    EXPECT_EQ(detail::shorten("caf\xe9", 4), "caf\uFFFD");
    EXPECT_EQ(detail::shorten("caf\xe9!", 4), "caf\uFFFD…");
    EXPECT_EQ(detail::shorten("abcdef\x80\x80\x80\x80\x80", 10), "abcdef\uFFFD\uFFFD\uFFFD\uFFFD…");
}

TEST(warnings, of_exhaustion_come_once_until_it_has_passed_and_a_while_has_gone)
{
    const std::chrono::steady_clock::time_point start{1h};
    detail::exhaustion_watch watch(0.9);
    EXPECT_FALSE(watch.update(90, 100, start));
    EXPECT_TRUE(watch.update(91, 100, start));
    EXPECT_FALSE(watch.update(95, 100, start + 1h)) << "still the same exhaustion";
    EXPECT_FALSE(watch.update(90, 100, start + 1h));
    EXPECT_TRUE(watch.update(91, 100, start + 1h));
    EXPECT_FALSE(watch.update(10, 100, start + 1h + 1s));
    EXPECT_FALSE(watch.update(91, 100, start + 1h + 2s)) << "too soon";
}

TEST(warnings, of_exhaustion_that_would_come_too_soon_come_later)
{
    const std::chrono::steady_clock::time_point start{1h};
    detail::exhaustion_watch watch(0.9);
    EXPECT_TRUE(watch.update(91, 100, start));
    EXPECT_FALSE(watch.update(90, 100, start + 1s));
    EXPECT_FALSE(watch.update(91, 100, start + 2s));
    EXPECT_FALSE(watch.update(95, 100, start + 59s));
    EXPECT_TRUE(watch.update(95, 100, start + 60s)) << "it has lasted since";
    EXPECT_FALSE(watch.update(95, 100, start + 2h)) << "still the same exhaustion";
}

TEST(health, as_json_has_the_fields_of_the_pool)
{
    database_health health;
    health.name = "main";
    health.reachable = true;
    health.latency = 1500us;
    health.server_version = "15.6";
    health.role = "primary";
    health.breaker = resilience::breaker_state::half_open;
    health.pool_info = {
        .size = 20, .active = 3, .idle = 17, .waiting = 1, .connecting = 2, .minimum = 20, .maximum = 100};
    EXPECT_EQ(
        to_json_text(health),
        R"({"name":"main","reachable":true,"latency_ms":1.5,"server_version":"15.6","role":"primary","error":null,)"
        R"("breaker":"half-open",)"
        R"("pool_info":{"size":20,"min_size":20,"max_size":100,"active":3,"idle":17,"waiting":1,"connecting":2}})");
    EXPECT_EQ(boost::json::parse(to_json_text(health)), to_json(health));
    for (const auto& [took, shown] :
         {std::pair(0us, "0,"),
          {1us, "0.001,"},
          {174us, "0.174,"},
          {5000us, "5,"},
          {3'600'000'001us, "3600000.001,"}}) {
        health.latency = took;
        EXPECT_THAT(to_json_text(health), testing::HasSubstr(std::string("\"latency_ms\":") + shown));
    }
}

TEST(errors, compare_to_what_they_mean)
{
    EXPECT_EQ(make_error_code(db_errc::pool_exhausted), pg::disposition::timeout);
    EXPECT_NE(make_error_code(db_errc::pool_exhausted), pg::disposition::cannot_connect);
    EXPECT_EQ(make_error_code(db_errc::pool_cannot_connect), pg::disposition::cannot_connect);
    EXPECT_EQ(make_error_code(db_errc::circuit_open), pg::disposition::cannot_connect);
    EXPECT_EQ(make_error_code(db_errc::circuit_open), pg::disposition::transient);
    EXPECT_EQ(make_error_code(db_errc::commit_unknown), pg::disposition::in_doubt);
    EXPECT_NE(make_error_code(db_errc::transaction_closed), pg::disposition::in_doubt);
    for (int value = 1; value <= static_cast<int>(db_errc::circuit_open); ++value)
        EXPECT_NE(db_category().message(value), "unknown error") << value;
}

} // namespace
} // namespace tradecore
