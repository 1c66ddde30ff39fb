// SPDX-License-Identifier: Apache-2.0
#include "db/outcome.hpp"

#include <tradecore/db/errors.hpp>
#include <tradecore/pg/error.hpp>

namespace tradecore::detail {

namespace {

using resilience::outcome;
using namespace pg::literals;

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

outcome outcome_while_connecting(pg::sqlstate state)
{
    if (is_refusal_of_credentials(state) || is_limit_of_session(state))
        return outcome::neutral;
    if (is_end_of_session(state) || is_server_in_trouble(state))
        return outcome::failure;
    return outcome::neutral; // a start-up parameter it does not take: an answer, and no connection
}

outcome outcome_of_state(pg::sqlstate state, const attempt_facts& facts)
{
    if (facts.phase != attempt_phase::executing)
        return outcome_while_connecting(state);
    if (is_end_of_session(state)) {
        // In a session that goes on it is not about this one: a function raised it, or a foreign server is away.
        if (!facts.session_ended)
            return outcome::success;
        return is_limit_of_session(state) ? outcome::neutral : outcome::connection_lost;
    }
    if (state == "40003"_sqlstate)
        return facts.session_ended ? outcome::connection_lost : outcome::failure;
    if (state == "57014"_sqlstate)
        return facts.asked_to_stop ? outcome::neutral : outcome::success;
    if (state == "25006"_sqlstate)
        return facts.in_hot_standby && !facts.declared_read_only ? outcome::failure : outcome::success;
    if (is_server_in_trouble(state))
        return outcome::failure;
    if (is_refusal_of_credentials(state))
        return outcome::neutral;
    return outcome::success;
}

outcome outcome_of_client(const pg::error& error, const attempt_facts& facts)
{
    const bool executing = facts.phase == attempt_phase::executing;
    if (error.code() == pg::client_errc::timeout)
        return executing && !facts.session_ended ? outcome::neutral : outcome::failure;
    if (error.code() == pg::client_errc::connection_closed)
        return executing ? outcome::connection_lost : outcome::failure;
    if (error.code() == pg::client_errc::outcome_unknown)
        return outcome::connection_lost;
    if (error.code() == pg::client_errc::cannot_connect || error.code() == pg::client_errc::tls_failed ||
        error.code() == pg::client_errc::protocol_violation)
        return outcome::failure;
    return outcome::neutral; // found on this side: nothing was learnt about the other
}

outcome outcome_of_cause(const std::exception_ptr& cause, attempt_facts facts, attempt_phase phase, outcome unknown)
{
    facts.phase = phase;
    return cause ? outcome_of(cause, facts) : unknown;
}

} // namespace

outcome outcome_of(const std::exception_ptr& error, const attempt_facts& facts) noexcept
{
    try {
        std::rethrow_exception(error);
    }
    catch (const pool_timeout& late) {
        if (late.code() != db_errc::pool_cannot_connect)
            return outcome::neutral;
        return outcome_of_cause(late.last_connect_error(), facts, attempt_phase::connecting, outcome::failure);
    }
    catch (const commit_unknown& lost) {
        return outcome_of_cause(lost.cause(), facts, attempt_phase::executing, outcome::connection_lost);
    }
    catch (const pg::server_error& said) {
        return outcome_of_state(said.state(), facts);
    }
    catch (const pg::error& other) {
        return outcome_of_client(other, facts);
    }
    catch (...) {
        return outcome::neutral; // cancelled, most likely
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
