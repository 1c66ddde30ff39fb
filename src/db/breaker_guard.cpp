// SPDX-License-Identifier: Apache-2.0
#include "db/breaker_guard.hpp"

#include "db/exception_text.hpp"

#include <tradecore/db/errors.hpp>
#include <tradecore/observe/log.hpp>

#include <fmt/format.h>

#include <random>

namespace tradecore::detail {

using resilience::breaker_cause;
using resilience::breaker_change;
using resilience::breaker_state;
using resilience::outcome;

namespace {

resilience::random_source fresh_random()
{
    std::random_device device;
    return resilience::seeded_random((std::uint64_t{device()} << 32U) | device());
}

} // namespace

// --- attempts --------------------------------------------------------------------------------------

void attempt::settle(outcome how) noexcept
{
    // The time matters to probes and failures only; a success on the ordinary path need not look at the clock.
    const bool timeless = how == outcome::success && !permit_.is_probe();
    permit_.settle(how, timeless ? resilience::time_point::min() : owner_->now_());
}

void attempt::succeeded() noexcept
{
    if (!permit_)
        return;
    owner_->alarmed_ = false;
    settle(outcome::success);
}

void attempt::failed(const std::exception_ptr& error, const attempt_facts& facts) noexcept
{
    if (!permit_)
        return;
    const auto how = outcome_of(error, facts);
    if (how == outcome::failure || how == outcome::connection_lost)
        owner_->keep_failure(error);
    else if (how == outcome::neutral && is_refusal_of_credentials(error))
        owner_->alarm_about_credentials(error);
    settle(how);
}

void attempt::got_no_connection()
{
    failed(std::current_exception(), {.phase = attempt_phase::acquiring});
    throw;
}

void attempt::observed(const std::exception_ptr& error, const attempt_facts& facts) noexcept
{
    if (!permit_)
        return;
    const auto how = error ? outcome_of(error, facts) : outcome::success;
    if (how == outcome::success) {
        answered_ = true;
        if (is_probe())
            succeeded();
    }
    else if (how != outcome::neutral) {
        failed(error, facts);
    }
}

void attempt::is_over() noexcept
{
    if (answered_)
        succeeded();
    else
        permit_.drop();
}

// --- the guard -------------------------------------------------------------------------------------

breaker_guard::breaker_guard(
    std::string database, const resilience::breaker_options& options, std::function<resilience::time_point()> now,
    std::function<void()> changed)
    : database_(std::move(database)), now_(std::move(now)), changed_(std::move(changed)),
      breaker_(options, fresh_random())
{
    breaker_.add_listener([this](const breaker_change& what) {
        count(what);
        tell(what);
    });
}

attempt breaker_guard::begin_when_not_closed()
{
    auto answer = breaker_.admit(now_());
    if (answer)
        return {*this, std::move(answer.granted)};
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(answer.come_again_in);
    throw circuit_open(
        fmt::format(
            "database '{}' has failed too often and is not asked for now; come again in {} ms; the last failure: {}",
            database_, wait.count(), last_failure_ ? *last_failure_ : "not known"),
        answer.come_again_in, last_failure_);
}

attempt breaker_guard::begin_background_probe() noexcept
{
    return {*this, breaker_.try_background_probe(now_())};
}

void breaker_guard::keep_failure(const std::exception_ptr& error) noexcept
{
    try {
        last_failure_ = std::make_shared<const std::string>(what_of(error));
    }
    catch (...) {
        last_failure_.reset(); // no memory for its text
    }
}

void breaker_guard::alarm_about_credentials(const std::exception_ptr& error) noexcept
{
    if (std::exchange(alarmed_, true))
        return; // said already, and nothing has worked since
    try {
        observe::log(
            observe::level::error, "the server refuses our credentials or the name of the database",
            {{"database", database_}, {"error", what_of(error)}});
    }
    catch (...) { // NOLINT(bugprone-empty-catch): no memory for its text; each connect that fails is logged too
    }
}

void breaker_guard::count(const breaker_change& what) noexcept
{
    switch (what.to) {
    case breaker_state::open:
        ++changes_.opened;
        break;
    case breaker_state::half_open:
        ++changes_.half_opened;
        break;
    case breaker_state::closed:
        ++changes_.closed;
        break;
    }
}

breaker_statistics breaker_guard::statistics() const noexcept
{
    auto all = changes_;
    all.refused = breaker_.stats().refused;
    all.background_probes = breaker_.stats().background_probes;
    all.caller_probes = breaker_.stats().caller_probes;
    return all;
}

void breaker_guard::tell(const breaker_change& what) const
{
    const bool opens = what.from == breaker_state::closed;
    const bool closes = what.to == breaker_state::closed;
    if (opens || closes)
        changed_();
    const auto severity = opens ? observe::level::warn : closes ? observe::level::info : observe::level::debug;
    if (!observe::enabled(severity))
        return;
    const bool says_error = what.to == breaker_state::open && last_failure_;
    observe::log(
        severity,
        fmt::format(
            "circuit breaker of {}: {} -> {}: {}", database_, to_string(what.from), to_string(what.to),
            to_string(what.cause)),
        {{"database", database_},
         {"from", to_string(what.from)},
         {"to", to_string(what.to)},
         {"why", to_string(what.cause)},
         {"error", says_error ? std::string_view(*last_failure_) : std::string_view()}});
}

attempt_facts facts_of(const physical_connection& on, bool limited)
{
    return {
        .phase = attempt_phase::executing,
        .asked_to_stop = limited,
        .session_ended = !on.is_open(),
        .declared_read_only = false,
        .in_hot_standby = on.parameter("in_hot_standby") == "on"};
}

} // namespace tradecore::detail
