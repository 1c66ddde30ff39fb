// SPDX-License-Identifier: Apache-2.0
#include "db/outcome.hpp"
#include "db/support/fake_server.hpp"

#include <tradecore/db/errors.hpp>

#include <gtest/gtest.h>

#include <new>
#include <string_view>
#include <vector>

namespace tradecore::detail {
namespace {

using enum attempt_phase;
using resilience::outcome;
using test::server_error_of;

constexpr attempt_facts connecting_facts{.phase = connecting};
constexpr attempt_facts acquiring_facts{.phase = acquiring};
constexpr attempt_facts answered{};
constexpr attempt_facts lost{.session_ended = true};

std::exception_ptr client_error(pg::client_errc code)
{
    return std::make_exception_ptr(pg::connection_error(code, "as asked"));
}

std::exception_ptr timed_out()
{
    return std::make_exception_ptr(pg::timeout_error("as asked"));
}

std::exception_ptr canceled()
{
    return std::make_exception_ptr(boost::system::system_error(boost::asio::error::operation_aborted));
}

void expect(outcome wanted, const std::vector<std::string_view>& states, const attempt_facts& facts)
{
    for (const auto state : states)
        EXPECT_EQ(outcome_of(server_error_of(state), facts), wanted) << state;
}

TEST(outcome, no_connection_is_a_failure)
{
    using enum pg::client_errc;
    for (const auto& facts : {connecting_facts, acquiring_facts}) {
        for (const auto code : {cannot_connect, connection_closed, tls_failed})
            EXPECT_EQ(outcome_of(client_error(code), facts), outcome::failure) << static_cast<int>(code);
        EXPECT_EQ(outcome_of(timed_out(), facts), outcome::failure);
        expect(outcome::failure, {"57P03", "08001", "08004", "08006", "57P01", "57P02"}, facts);
        expect(outcome::failure, {"53300"}, facts);
        expect(outcome::failure, {"53200", "58030", "XX000"}, facts);
    }
}

TEST(outcome, refused_credentials_say_nothing_about_health)
{
    for (const auto& facts : {connecting_facts, acquiring_facts, answered}) {
        expect(outcome::neutral, {"28P01", "28000", "3D000"}, facts);
        const auto found_here = client_error(pg::client_errc::authentication_failed);
        EXPECT_EQ(outcome_of(found_here, facts), outcome::neutral);
        EXPECT_TRUE(is_refusal_of_credentials(found_here));
    }
    EXPECT_TRUE(is_refusal_of_credentials(server_error_of("28P01")));
    EXPECT_TRUE(is_refusal_of_credentials(server_error_of("3D000")));
    EXPECT_FALSE(is_refusal_of_credentials(server_error_of("42501")));
    EXPECT_FALSE(is_refusal_of_credentials(canceled()));
}

TEST(outcome, a_start_up_that_is_refused_for_our_settings_is_not_counted)
{
    expect(outcome::neutral, {"42704", "22023", "55000"}, connecting_facts);
}

TEST(outcome, conflicts_are_answers)
{
    expect(outcome::success, {"40001", "40P01", "55P03"}, answered);
}

TEST(outcome, a_server_that_has_become_a_standby_is_a_failure)
{
    expect(outcome::failure, {"25006"}, {.in_hot_standby = true});
    expect(outcome::success, {"25006"}, {.declared_read_only = true, .in_hot_standby = true});
    expect(outcome::success, {"25006"}, {.declared_read_only = true});
    expect(outcome::success, {"25006"}, answered);
}

TEST(outcome, a_lost_connection_is_a_failure_that_comes_in_bursts)
{
    expect(outcome::connection_lost, {"57P01", "57P02", "57P04", "08006", "08003", "08000"}, lost);
    expect(outcome::connection_lost, {"08007", "40003"}, lost);
    for (const auto& facts : {lost, answered})
        EXPECT_EQ(outcome_of(client_error(pg::client_errc::connection_closed), facts), outcome::connection_lost);
    EXPECT_EQ(outcome_of(std::make_exception_ptr(pg::protocol_error("as asked")), lost), outcome::failure);
}

TEST(outcome, a_session_that_met_its_limit_is_not_counted)
{
    expect(outcome::neutral, {"25P03", "57P05", "25P04"}, lost);
}

TEST(outcome, an_end_raised_in_a_session_that_goes_on_is_an_answer)
{
    expect(outcome::success, {"57P01", "57P03", "08001", "08006", "25P03"}, answered);
}

TEST(outcome, a_transaction_in_doubt_is_what_its_connection_met)
{
    const auto in_doubt = [](const std::exception_ptr& cause) {
        return std::make_exception_ptr(commit_unknown("as asked", 1, cause));
    };
    EXPECT_EQ(outcome_of(in_doubt(client_error(pg::client_errc::connection_closed)), lost), outcome::connection_lost);
    EXPECT_EQ(outcome_of(in_doubt(server_error_of("57P01")), lost), outcome::connection_lost);
    EXPECT_EQ(outcome_of(in_doubt(server_error_of("57P05")), lost), outcome::neutral);
    EXPECT_EQ(outcome_of(in_doubt(nullptr), lost), outcome::connection_lost);
    expect(outcome::failure, {"40003"}, answered);
}

TEST(outcome, a_timeout_is_a_failure_when_the_cancel_goes_unanswered_too)
{
    EXPECT_EQ(outcome_of(timed_out(), {.asked_to_stop = true}), outcome::neutral);
    EXPECT_EQ(outcome_of(timed_out(), {.asked_to_stop = true, .session_ended = true}), outcome::failure);
}

TEST(outcome, a_statement_stopped_for_us_is_not_counted)
{
    expect(outcome::neutral, {"57014"}, {.asked_to_stop = true});
    expect(outcome::success, {"57014"}, answered);
}

TEST(outcome, a_server_in_trouble_is_a_failure)
{
    expect(outcome::failure, {"53000", "53100", "53200", "53300"}, answered);
    expect(outcome::failure, {"58000", "58030", "58P01", "F0000", "XX000", "XX001", "XX002"}, answered);
    expect(outcome::success, {"53400"}, answered); // a limit of the statement's own, such as temp_file_limit
}

TEST(outcome, stale_statements_are_answers)
{
    expect(outcome::success, {"0A000", "26000", "42P05"}, answered);
}

TEST(outcome, what_the_statement_did_wrong_is_an_answer)
{
    expect(outcome::success, {"22001", "22P02", "23505", "23503", "42601", "42P01", "42501", "25P02"}, answered);
    expect(outcome::success, {"P0001", "21000", "0LP01", "2F003", "54000", "55000", "TC001"}, answered);
}

TEST(outcome, the_callers_own_end_is_not_counted)
{
    for (const auto& facts : {connecting_facts, acquiring_facts, answered, lost})
        EXPECT_EQ(outcome_of(canceled(), facts), outcome::neutral);
    EXPECT_EQ(outcome_of(std::make_exception_ptr(std::bad_alloc()), answered), outcome::neutral);
    EXPECT_EQ(outcome_of(std::make_exception_ptr(pg::argument_error("as asked")), answered), outcome::neutral);
    EXPECT_EQ(outcome_of(std::make_exception_ptr(database_closed("as asked")), acquiring_facts), outcome::neutral);
    EXPECT_EQ(outcome_of(std::make_exception_ptr(waits_for_itself("as asked")), acquiring_facts), outcome::neutral);
}

TEST(outcome, no_connection_in_time_counts_when_connecting_fails)
{
    const auto late = [](db_errc code, const std::exception_ptr& why) {
        return std::make_exception_ptr(pool_timeout(code, "as asked", why));
    };
    using enum db_errc;
    EXPECT_EQ(outcome_of(late(pool_exhausted, nullptr), acquiring_facts), outcome::neutral);
    EXPECT_EQ(
        outcome_of(late(pool_cannot_connect, client_error(pg::client_errc::cannot_connect)), acquiring_facts),
        outcome::failure);
    EXPECT_EQ(outcome_of(late(pool_cannot_connect, timed_out()), acquiring_facts), outcome::failure);
    EXPECT_EQ(outcome_of(late(pool_cannot_connect, nullptr), acquiring_facts), outcome::failure);
    EXPECT_EQ(outcome_of(late(pool_cannot_connect, server_error_of("53300")), acquiring_facts), outcome::failure);
    EXPECT_EQ(outcome_of(late(pool_cannot_connect, server_error_of("28P01")), acquiring_facts), outcome::neutral);
    EXPECT_TRUE(is_refusal_of_credentials(late(pool_cannot_connect, server_error_of("28P01"))));
}

// --- whether to repeat -----------------------------------------------------------------------------

constexpr call_facts alone{};
constexpr call_facts reading{.only_reads = true};
constexpr call_facts declared{.idempotent = true};
constexpr call_facts whole{.is_transaction = true};
constexpr call_facts committing{.is_transaction = true, .in_doubt = true};

obstacle obstacle_of(const std::exception_ptr& error, const attempt_facts& attempt, const call_facts& call)
{
    return obstacle_to_repeating(meaning_of(error, attempt), attempt, call);
}

void expect_repetition(
    obstacle wanted, const std::vector<std::string_view>& states, const attempt_facts& attempt, const call_facts& call)
{
    for (const auto state : states)
        EXPECT_EQ(obstacle_of(server_error_of(state), attempt, call), wanted) << state;
}

TEST(repetition, of_what_was_not_sent_is_safe)
{
    for (const auto& call : {alone, reading, declared, whole}) {
        for (const auto& attempt : {connecting_facts, acquiring_facts}) {
            expect_repetition(obstacle::none, {"57P03", "08001", "08004", "53300", "53200"}, attempt, call);
            expect_repetition(obstacle::pointless, {"28P01", "28000", "3D000", "22023"}, attempt, call);
            EXPECT_EQ(obstacle_of(timed_out(), attempt, call), obstacle::none);
            EXPECT_EQ(obstacle_of(client_error(pg::client_errc::cannot_connect), attempt, call), obstacle::none);
            EXPECT_EQ(obstacle_of(client_error(pg::client_errc::tls_failed), attempt, call), obstacle::pointless);
        }
        const attempt_facts unsent{.session_ended = true, .unsent = true};
        EXPECT_EQ(obstacle_of(client_error(pg::client_errc::connection_closed), unsent, call), obstacle::none);
    }
    EXPECT_GE(meaning_of(server_error_of("53300"), connecting_facts).minimum_wait, std::chrono::seconds(1));
}

TEST(repetition, of_waiting_in_vain_is_made_when_connecting_fails)
{
    const auto late = [](db_errc code, const std::exception_ptr& why) {
        return std::make_exception_ptr(pool_timeout(code, "as asked", why));
    };
    using enum db_errc;
    const auto cannot = client_error(pg::client_errc::cannot_connect);
    EXPECT_EQ(obstacle_of(late(pool_exhausted, nullptr), acquiring_facts, alone), obstacle::pointless);
    EXPECT_EQ(obstacle_of(late(pool_cannot_connect, cannot), acquiring_facts, alone), obstacle::none);
    EXPECT_EQ(
        obstacle_of(late(pool_cannot_connect, server_error_of("28P01")), acquiring_facts, alone), obstacle::pointless);
}

TEST(repetition, of_conflicts_is_for_all_that_was_undone)
{
    for (const auto& call : {alone, whole})
        expect_repetition(obstacle::none, {"40001", "40P01"}, answered, call);
    expect_repetition(obstacle::in_doubt, {"40001", "40P01"}, answered, {.in_parts = true});
    expect_repetition(obstacle::pointless, {"55P03"}, answered, whole);
    expect_repetition(obstacle::none, {"55P03"}, answered, {.is_transaction = true, .repeats_lock_timeouts = true});
    EXPECT_EQ(meaning_of(server_error_of("40001"), answered).kind, resilience::fault::conflict);
    EXPECT_EQ(meaning_of(server_error_of("57P01"), lost).kind, resilience::fault::outage);
}

TEST(repetition, of_what_a_lost_connection_had_begun_depends_on_what_was_committed)
{
    const std::vector<std::string_view> ends{"57P01", "57P02", "57P05", "25P03", "08006"};
    expect_repetition(obstacle::none, ends, lost, whole);
    expect_repetition(obstacle::none, ends, lost, reading);
    expect_repetition(obstacle::none, ends, lost, declared);
    expect_repetition(obstacle::in_doubt, ends, lost, alone);
    expect_repetition(obstacle::in_doubt, ends, lost, committing);
    const auto closed = client_error(pg::client_errc::connection_closed);
    EXPECT_EQ(obstacle_of(closed, lost, whole), obstacle::none);
    EXPECT_EQ(obstacle_of(closed, lost, alone), obstacle::in_doubt);
    EXPECT_EQ(obstacle_of(closed, lost, committing), obstacle::in_doubt);
    EXPECT_EQ(obstacle_of(closed, lost, {.idempotent = true, .is_used_up = true}), obstacle::used_up);
    // Raised in a session that goes on, they are the statement's own.
    expect_repetition(obstacle::pointless, {"57P01", "08006"}, answered, declared);
}

TEST(repetition, of_what_nobody_knows_is_made_only_when_declared)
{
    for (const auto& call : {alone, reading, whole, committing})
        expect_repetition(obstacle::in_doubt, {"08007", "40003"}, lost, call);
    expect_repetition(obstacle::none, {"08007", "40003"}, lost, declared);
    const auto unknown = std::make_exception_ptr(commit_unknown("as asked", 1, server_error_of("57P01")));
    EXPECT_EQ(obstacle_of(unknown, lost, whole), obstacle::in_doubt);
    EXPECT_EQ(obstacle_of(unknown, lost, declared), obstacle::none);
}

TEST(repetition, of_what_took_too_long_is_made_only_when_declared)
{
    for (const auto& call : {alone, reading, whole})
        EXPECT_EQ(obstacle_of(timed_out(), answered, call), obstacle::pointless);
    EXPECT_EQ(obstacle_of(timed_out(), answered, declared), obstacle::none);
    expect_repetition(obstacle::pointless, {"57014"}, answered, declared);
}

TEST(repetition, of_what_may_pass_once_is_made_once)
{
    const call_facts second{.once_used = true};
    expect_repetition(obstacle::none, {"53200"}, answered, alone);
    expect_repetition(obstacle::pointless, {"53200"}, answered, second);
    const attempt_facts standby{.in_hot_standby = true};
    expect_repetition(obstacle::none, {"25006"}, standby, alone);
    expect_repetition(obstacle::pointless, {"25006"}, standby, second);
    expect_repetition(obstacle::pointless, {"25006"}, answered, alone);
    EXPECT_TRUE(meaning_of(server_error_of("25006"), standby).has_lost_primary);
    EXPECT_FALSE(meaning_of(server_error_of("25006"), answered).has_lost_primary);
}

TEST(repetition, of_what_would_end_the_same_way_is_not_made)
{
    expect_repetition(
        obstacle::pointless,
        {"22001", "23505", "42601", "25P02", "53100", "58030", "XX000", "0A000", "26000", "42P05", "P0001", "53400"},
        answered, {.is_transaction = true, .idempotent = true});
    for (const auto& error :
         {canceled(), std::make_exception_ptr(pg::argument_error("as asked")),
          std::make_exception_ptr(circuit_open("as asked", {}, nullptr)),
          std::make_exception_ptr(database_closed("as asked")), std::make_exception_ptr(waits_for_itself("as asked"))})
        EXPECT_EQ(obstacle_of(error, acquiring_facts, declared), obstacle::pointless);
}

TEST(repetition, of_a_body_that_wrote_outside_is_made_only_when_declared)
{
    const call_facts outside{.is_transaction = true, .wrote_outside = true};
    expect_repetition(obstacle::wrote_outside, {"40001", "53200"}, answered, outside);
    expect_repetition(obstacle::wrote_outside, {"57P01"}, lost, outside);
    expect_repetition(
        obstacle::none, {"40001", "53200"}, answered,
        {.is_transaction = true, .idempotent = true, .wrote_outside = true});
}

} // namespace
} // namespace tradecore::detail
