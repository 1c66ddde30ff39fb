// SPDX-License-Identifier: Apache-2.0
#include "db/outcome.hpp"

#include <tradecore/db/errors.hpp>
#include <tradecore/pg/error.hpp>

namespace tradecore::detail {

namespace {

using resilience::fault;
using resilience::outcome;
using namespace pg::literals;

/// A server without a free connection has one again when somebody leaves, not within milliseconds.
constexpr std::chrono::seconds wait_for_room{1};

// --- rows of the table -----------------------------------------------------------------------------

/// The server answered; the same again is answered the same way.
constexpr meaning answer{.health = outcome::success, .left = remains::nothing};
/// Says nothing about the database, and is not for us to repeat.
constexpr meaning no_concern{.health = outcome::neutral};
/// The server is in trouble with what it was asked.
constexpr meaning trouble{.health = outcome::failure, .left = remains::nothing};
constexpr meaning broken{.health = outcome::failure, .left = remains::nothing, .spoils_session = true};
constexpr meaning no_connection{.health = outcome::failure, .cure = remedy::repetition, .left = remains::nothing};
/// The way there does not speak as it should: the next attempt would not either.
constexpr meaning no_understanding{.health = outcome::failure};
constexpr meaning no_room{
    .health = outcome::failure, .cure = remedy::repetition, .left = remains::nothing, .minimum_wait = wait_for_room};
constexpr meaning no_memory{.health = outcome::failure, .cure = remedy::once, .left = remains::nothing};
/// Whoever connects has read them again already.
constexpr meaning refused_credentials{.health = outcome::neutral, .left = remains::nothing};
constexpr meaning conflict{
    .health = outcome::success, .cure = remedy::repetition, .left = remains::nothing, .kind = fault::conflict};
constexpr meaning lock_timeout{
    .health = outcome::success, .cure = remedy::if_asked, .left = remains::nothing, .kind = fault::conflict};
constexpr meaning lost_session{
    .health = outcome::connection_lost, .cure = remedy::repetition, .left = remains::what_was_committed};
constexpr meaning expired_session{
    .health = outcome::neutral, .cure = remedy::repetition, .left = remains::what_was_committed};
/// What serves us has become a standby; another host may be the primary now.
constexpr meaning failed_over{
    .health = outcome::failure, .cure = remedy::once, .left = remains::nothing, .has_lost_primary = true};
/// A repetition would take as long, so only those who want it get it.
constexpr meaning timed_out{.health = outcome::neutral, .cure = remedy::if_idempotent};

constexpr meaning in_doubt(outcome health)
{
    return {.health = health, .cure = remedy::repetition, .left = remains::unknown};
}

// --- which row it is -------------------------------------------------------------------------------

bool is_of_class(pg::sqlstate state, pg::sqlstate code)
{
    return state.class_code() == code.class_code();
}

/// Codes with which a server takes leave, or a pooler before it.
bool is_end_of_session(pg::sqlstate state)
{
    return is_of_class(state, "08000"_sqlstate) || state == "57P01"_sqlstate || state == "57P02"_sqlstate ||
           state == "57P03"_sqlstate || state == "57P04"_sqlstate || state == "57P05"_sqlstate ||
           state == "25P03"_sqlstate || state == "25P04"_sqlstate;
}

/// Ends that were agreed on: a limit for idle sessions and transactions is not an outage.
bool is_limit_of_session(pg::sqlstate state)
{
    return state == "57P05"_sqlstate || state == "25P03"_sqlstate || state == "25P04"_sqlstate;
}

bool is_server_in_trouble(pg::sqlstate state)
{
    // 53400 is a limit that was configured and that the caller's statement has met.
    return (is_of_class(state, "53000"_sqlstate) && state != "53400"_sqlstate) ||
           is_of_class(state, "58000"_sqlstate) || is_of_class(state, "F0000"_sqlstate) ||
           is_of_class(state, "XX000"_sqlstate);
}

bool is_refusal_of_credentials(pg::sqlstate state)
{
    return is_of_class(state, "28000"_sqlstate) || is_of_class(state, "3D000"_sqlstate);
}

meaning meaning_of_trouble(pg::sqlstate state)
{
    if (state == "53300"_sqlstate)
        return no_room;
    if (is_of_class(state, "XX000"_sqlstate))
        return broken;
    return state == "53200"_sqlstate ? no_memory : trouble;
}

meaning meaning_while_connecting(pg::sqlstate state)
{
    if (is_refusal_of_credentials(state))
        return refused_credentials;
    if (is_limit_of_session(state))
        return no_concern;
    if (is_end_of_session(state))
        return no_connection;
    if (is_server_in_trouble(state))
        return meaning_of_trouble(state);
    return no_concern; // a start-up parameter it does not take: an answer, and no connection
}

meaning meaning_of_state(pg::sqlstate state, const attempt_facts& facts)
{
    if (facts.phase != attempt_phase::executing)
        return meaning_while_connecting(state);
    if (is_end_of_session(state)) {
        // In a session that goes on it is not about this one: a function raised it, or a foreign server is away.
        if (!facts.session_ended)
            return answer;
        if (state == "08007"_sqlstate)
            return in_doubt(outcome::connection_lost);
        return is_limit_of_session(state) ? expired_session : lost_session;
    }
    if (state == "40003"_sqlstate)
        return in_doubt(facts.session_ended ? outcome::connection_lost : outcome::failure);
    if (state == "40001"_sqlstate || state == "40P01"_sqlstate)
        return conflict;
    if (state == "55P03"_sqlstate)
        return lock_timeout;
    if (state == "57014"_sqlstate)
        return facts.asked_to_stop ? no_concern : answer;
    if (state == "25006"_sqlstate)
        return facts.in_hot_standby && !facts.declared_read_only ? failed_over : answer;
    if (is_server_in_trouble(state))
        return meaning_of_trouble(state);
    if (is_refusal_of_credentials(state))
        return no_concern;
    return answer;
}

meaning meaning_of_client_error(const pg::error& error, const attempt_facts& facts)
{
    const bool executing = facts.phase == attempt_phase::executing;
    if (error.code() == pg::client_errc::timeout) {
        if (!executing)
            return no_connection;
        auto found = timed_out;
        if (facts.session_ended)
            found.health = outcome::failure; // the request to cancel was not answered either
        return found;
    }
    if (error.code() == pg::client_errc::connection_closed)
        return executing ? lost_session : no_connection;
    if (error.code() == pg::client_errc::outcome_unknown)
        return in_doubt(outcome::connection_lost);
    if (error.code() == pg::client_errc::cannot_connect)
        return no_connection;
    if (error.code() == pg::client_errc::tls_failed || error.code() == pg::client_errc::protocol_violation)
        return no_understanding;
    if (error.code() == pg::client_errc::authentication_failed)
        return refused_credentials;
    return no_concern; // found on this side: nothing was learnt about the other
}

bool is_curable(remedy cure, const call_facts& call) noexcept
{
    switch (cure) {
    case remedy::none:
        return false;
    case remedy::if_asked:
        return call.repeats_lock_timeouts;
    case remedy::if_idempotent:
        return call.idempotent;
    case remedy::once:
        return !call.once_used;
    case remedy::repetition:
        return true;
    }
    return false;
}

meaning meaning_of_cause(const std::exception_ptr& cause, attempt_facts facts, attempt_phase phase, meaning unknown)
{
    facts.phase = phase;
    return cause ? meaning_of(cause, facts) : unknown;
}

} // namespace

meaning meaning_of(const std::exception_ptr& error, const attempt_facts& facts) noexcept
{
    try {
        std::rethrow_exception(error);
    }
    catch (const pool_timeout& late) {
        if (late.code() != db_errc::pool_cannot_connect)
            return no_concern;
        return meaning_of_cause(late.last_connect_error(), facts, attempt_phase::connecting, no_connection);
    }
    catch (const commit_unknown& lost) {
        auto found = meaning_of_cause(lost.cause(), facts, attempt_phase::executing, lost_session);
        found.left = remains::unknown;
        return found;
    }
    catch (const pg::server_error& said) {
        return meaning_of_state(said.state(), facts);
    }
    catch (const pg::error& other) {
        return meaning_of_client_error(other, facts);
    }
    catch (...) {
        return no_concern; // cancelled, most likely
    }
}

obstacle obstacle_to_repeating(const meaning& what, const attempt_facts& attempt, const call_facts& call) noexcept
{
    if (!is_curable(what.cure, call))
        return obstacle::pointless;
    const bool sent = attempt.phase == attempt_phase::executing && !attempt.unsent;
    if (sent && call.is_used_up)
        return obstacle::used_up;
    if (call.idempotent)
        return obstacle::none;
    const bool undone_by_server = what.left == remains::nothing && !call.in_parts && !call.in_doubt;
    const bool undone_with_session =
        what.left == remains::what_was_committed && ((call.is_transaction && !call.in_doubt) || call.only_reads);
    if (sent && !undone_by_server && !undone_with_session)
        return obstacle::in_doubt;
    return call.wrote_outside ? obstacle::wrote_outside : obstacle::none;
}

std::string_view to_string(obstacle what) noexcept
{
    switch (what) {
    case obstacle::none:
        return {};
    case obstacle::pointless:
        return "the same again would end the same way";
    case obstacle::in_doubt:
        return "it may have taken effect, and is not declared idempotent";
    case obstacle::used_up:
        return "its rows are used up";
    case obstacle::wrote_outside:
        return "its body wrote outside of the transaction, and is not declared idempotent";
    case obstacle::refused:
        return "the circuit breaker refuses calls";
    }
    return "unknown";
}

bool is_refusal_of_breaker(const std::exception_ptr& error) noexcept
{
    try {
        std::rethrow_exception(error);
    }
    catch (const circuit_open&) {
        return true;
    }
    catch (...) {
        return false;
    }
}

bool is_refusal_of_credentials(const std::exception_ptr& error) noexcept
{
    try {
        std::rethrow_exception(error);
    }
    catch (const pool_timeout& late) {
        return late.last_connect_error() && is_refusal_of_credentials(late.last_connect_error());
    }
    catch (const pg::error& refused) {
        return refused.code() == pg::disposition::credentials;
    }
    catch (...) {
        return false;
    }
}

} // namespace tradecore::detail
