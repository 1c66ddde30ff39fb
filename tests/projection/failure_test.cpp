// SPDX-License-Identifier: Apache-2.0
#include "projection/failure.hpp"

#include <tradecore/db/errors.hpp>
#include <tradecore/pg/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tradecore::projection {

namespace {

failure_kind of_state(std::string_view code)
{
    pg::diagnostics said;
    said.severity = "ERROR";
    said.code = pg::sqlstate::parse(code).value();
    said.message = "as the test says";
    return classify(pg::make_server_error(said, "test"));
}

std::string name_of(const testing::TestParamInfo<std::string_view>& tried)
{
    return std::string(tried.param);
}

class sqlstates_of_outages : public ::testing::TestWithParam<std::string_view> {};

TEST_P(sqlstates_of_outages, are_the_infrastructures)
{
    EXPECT_EQ(of_state(GetParam()), failure_kind::infrastructure);
    EXPECT_FALSE(blames_event(of_state(GetParam())));
}

INSTANTIATE_TEST_SUITE_P(
    failure, sqlstates_of_outages,
    ::testing::Values(
        "08000", "08001", "08003", "08004", "08006", "08007", "40001", "40P01", "53000", "53100", "53200", "53300",
        "57P01", "57P02", "57P03", "57P05", "25006", "58030", "XX000", "28P01", "26000"),
    name_of);

class sqlstates_of_events : public ::testing::TestWithParam<std::string_view> {};

TEST_P(sqlstates_of_events, are_the_events_fault)
{
    EXPECT_EQ(of_state(GetParam()), failure_kind::deterministic);
    EXPECT_TRUE(blames_event(of_state(GetParam())));
}

INSTANTIATE_TEST_SUITE_P(
    failure, sqlstates_of_events,
    ::testing::Values("22003", "22P02", "23502", "23503", "23505", "23514", "42703", "42P01", "P0001", "21000"),
    name_of);

TEST(failure, tells_the_limits_apart)
{
    EXPECT_EQ(of_state("57014"), failure_kind::statement_limit);
    EXPECT_EQ(of_state("55P03"), failure_kind::lock_limit);
    EXPECT_EQ(classify(std::make_exception_ptr(pg::timeout_error("late"))), failure_kind::client_limit);
    EXPECT_TRUE(blames_event(failure_kind::statement_limit));
    EXPECT_FALSE(blames_event(failure_kind::client_limit));
    EXPECT_FALSE(blames_event(failure_kind::lock_limit));
}

TEST(failure, takes_lost_connections_and_exhausted_pools_for_outages)
{
    const auto closed = pg::connection_error(pg::client_errc::connection_closed, "gone");
    EXPECT_EQ(classify(std::make_exception_ptr(closed)), failure_kind::infrastructure);
    EXPECT_EQ(
        classify(std::make_exception_ptr(pool_timeout(db_errc::pool_exhausted, "busy"))), failure_kind::infrastructure);
    EXPECT_EQ(
        classify(std::make_exception_ptr(pool_timeout(db_errc::pool_cannot_connect, "down"))),
        failure_kind::infrastructure);
    EXPECT_EQ(classify(std::make_exception_ptr(commit_unknown("?", 1, {}))), failure_kind::infrastructure);
    EXPECT_EQ(classify(std::make_exception_ptr(database_closed("closed"))), failure_kind::infrastructure);
    EXPECT_EQ(classify(std::make_exception_ptr(std::bad_alloc())), failure_kind::infrastructure);
}

TEST(failure, takes_what_the_projector_throws_for_the_events_fault)
{
    EXPECT_EQ(classify(std::make_exception_ptr(std::runtime_error("no such user"))), failure_kind::deterministic);
    EXPECT_EQ(classify(std::make_exception_ptr(pg::type_error("not an int"))), failure_kind::deterministic);
    EXPECT_EQ(classify(std::make_exception_ptr(42)), failure_kind::deterministic);
    // A failed statement whose error was swallowed makes COMMIT answer ROLLBACK.
    const auto rolled_back = transaction_rolled_back("rolled back", pg::sqlstate("23505"));
    EXPECT_EQ(classify(std::make_exception_ptr(rolled_back)), failure_kind::deterministic);
}

TEST(failure, knows_the_callers_own_cancellation)
{
    const auto aborted = boost::system::system_error(boost::asio::error::operation_aborted);
    EXPECT_EQ(classify(std::make_exception_ptr(aborted)), failure_kind::cancelled);
}

TEST(failure, describes_errors_in_what_a_text_column_takes)
{
    EXPECT_EQ(describe(std::make_exception_ptr(std::runtime_error("no such user"))), "no such user");
    EXPECT_EQ(
        describe(std::make_exception_ptr(std::runtime_error(std::string(1'999, 'x') + "ä"))), std::string(1'999, 'x'));
    EXPECT_EQ(describe(std::make_exception_ptr(std::runtime_error(std::string(3'000, 'x')))), std::string(2'000, 'x'));
    EXPECT_NE(describe(std::make_exception_ptr(42)), "");
    EXPECT_EQ(describe(std::make_exception_ptr(std::runtime_error("caf\xe9"))), "caf\uFFFD");
}

} // namespace

} // namespace tradecore::projection
