// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/pool_options.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <vector>

namespace tradecore {

/// A pool's decisions, without connections, clocks or coroutines: who gets which connection, when to
/// connect, what to check, what to close. The pool carries them out; a test can do the same with a script.
///
/// Rules: callers are served in order and nobody overtakes a waiter; what becomes free goes straight to
/// the first waiter; while somebody waits and the pool may grow, a connect or a check is running or due.
///
/// Thread safety: none.
class pool_state {
public:
    using clock = std::chrono::steady_clock;
    using time_point = clock::time_point;
    /// A connection's place; reused after `removed()`.
    using slot = std::uint32_t;
    /// Who waits; rises with each waiter.
    using ticket = std::uint64_t;

    /// @param options must be valid.
    /// @param first the first ticket.
    explicit pool_state(const pool_options& options, ticket first = 1) : options_(options), next_ticket_(first) {}

    // --- callers ---------------------------------------------------------------------------------
    /// @returns the idle connection that was used last, of those that need not be checked first; nothing while others
    ///          wait or the pool is suspended.
    [[nodiscard]] std::optional<slot> take_idle(time_point now);
    /// @param may_share whether a connection will do that others use, too.
    /// @returns the ticket of a new waiter, last in line.
    [[nodiscard]] ticket wait(bool may_share = false);
    /// Waits again, at the same place: what the waiter was given was of no use.
    void wait_again(ticket who, bool may_share = false);
    /// @returns a ticket for one who need not wait, nobody being in line, in case it has to later.
    [[nodiscard]] ticket pass() noexcept { return next_ticket_++; }
    /// @returns whether one who may share a connection may have it at once: nobody is before it in line, no connection
    ///          is idle, and there will not be more of them soon.
    [[nodiscard]] bool may_share_now(time_point now) const noexcept;
    /// @returns who is first in line, if it may share a connection and is served at present.
    [[nodiscard]] std::optional<ticket> first_sharer() const noexcept;
    /// Ends a wait that was not served.
    /// @returns whether the ticket was still waiting.
    bool withdraw(ticket who);

    struct placed {
        slot where;
        /// Whose it is; nobody's when idle.
        std::optional<ticket> owner;
    };

    // --- connections -----------------------------------------------------------------------------
    /// A returned connection, after its cleaning if it needed one: hands it to the first waiter or makes it idle.
    /// @returns the waiter it now belongs to.
    std::optional<ticket> give_back(slot which, time_point now);
    /// The connection is gone.
    void removed(slot which);
    /// @returns whether the connection has lived long enough, or was evicted, and should be closed when returned or
    ///          taken.
    [[nodiscard]] bool must_end(slot which, time_point now) const;
    [[nodiscard]] bool is_idle(slot which) const { return records_[which].where == place::idle; }
    [[nodiscard]] bool is_checked(slot which) const { return records_[which].where == place::checked; }

    // --- checking --------------------------------------------------------------------------------
    /// @returns a connection to check now, for somebody who waits or because it was silent for long; it is active until
    ///          `check_passed` or `removed`.
    [[nodiscard]] std::optional<slot> take_for_check(time_point now);
    /// The connection has answered: like `give_back`, but it was not used.
    std::optional<ticket> check_passed(slot which, time_point now);
    /// A check was not answered in time.
    /// @param began when the check began: who was heard of since is above suspicion.
    /// @returns idle connections that would have to be checked, too; they are removed.
    [[nodiscard]] std::vector<slot> take_suspects(time_point now, time_point began);

    // --- connecting ------------------------------------------------------------------------------
    /// @returns whether another connect should be started now; count it with `connect_started`.
    [[nodiscard]] bool wants_connect(time_point now) const;
    void connect_started() { ++connecting_; }
    /// @param lottery a random number in [0, 1), for the jitter of the lifetime.
    placed connect_succeeded(time_point now, double lottery);
    /// @param no_room the server refused for want of room (53300): the pool makes do with what it has.
    /// @param lottery a random number in [0, 1), for the jitter of the pause.
    /// @returns the waiter to tell.
    std::optional<ticket> connect_failed(time_point now, bool no_room, double lottery);
    /// A connection was not good enough for who took it first, though it was just made: the next connect waits as after
    /// one that failed.
    /// @param lottery as above.
    void turned_down(time_point now, double lottery);
    /// One was good enough.
    void approved() noexcept { turned_down_ = 0; }
    /// Somebody has reason to believe that a connect may succeed: the pause after the last failure is over.
    void end_pause() { no_connect_before_ = {}; }
    /// A connect ended because the pool is closing, or its connection is not wanted any more.
    void connect_abandoned() { --connecting_; }

    // --- time ------------------------------------------------------------------------------------
    /// @param is_dead asked of each idle connection.
    /// @returns idle connections to close now: dead, of long life, or idle for too long; they are removed.
    [[nodiscard]] std::vector<slot> take_expired(time_point now, const std::function<bool(slot)>& is_dead);
    /// @returns when `wants_connect`, `take_for_check` or `take_expired` may next have something to say.
    [[nodiscard]] std::optional<time_point> next_event(time_point now) const;

    // --- interventions ---------------------------------------------------------------------------
    /// Serves nobody and connects to nothing until `resume`; what is lent stays lent.
    void suspend() { suspended_ = true; }
    /// @returns who is served by what is idle.
    [[nodiscard]] std::vector<placed> resume(time_point now);
    [[nodiscard]] bool is_suspended() const noexcept { return suspended_; }

    struct evicted {
        /// Were idle; they are removed.
        std::vector<slot> idle;
        /// How many end when they are returned.
        std::size_t active = 0;
    };
    /// @param is_unwanted asked of each connection, before any is evicted.
    [[nodiscard]] evicted evict(const std::function<bool(slot)>& is_unwanted);

    // --- closing ---------------------------------------------------------------------------------
    /// No more connects, nothing is kept idle.
    void begin_closing() { closing_ = true; }
    /// @returns all idle connections; they are removed.
    [[nodiscard]] std::vector<slot> take_all_idle();
    /// @returns all waiters; they wait no more.
    [[nodiscard]] std::vector<ticket> take_all_waiters();

    [[nodiscard]] pool_stats stats() const noexcept;
    /// @returns how many connections are being checked; they count as active.
    [[nodiscard]] std::size_t checking() const noexcept { return checking_; }
    /// @returns whether no connection exists or is being made.
    [[nodiscard]] bool is_empty() const noexcept { return size() == 0 && connecting_ == 0; }

private:
    enum class place { free, idle, active, checked };
    struct record {
        place where = place::free;
        bool evicted = false;
        time_point idle_since{};
        time_point checked{};
        time_point check_began{};
        time_point ends = time_point::max();
        clock::duration keepalive{};
    };

    [[nodiscard]] std::size_t size() const noexcept { return idle_.size() + active_; }
    /// @returns how many callers would take a connection.
    [[nodiscard]] std::size_t callers() const noexcept { return suspended_ ? 0 : waiters_.size(); }
    [[nodiscard]] std::optional<ticket> take_first_waiter();
    [[nodiscard]] time_point heard_of(slot which) const;
    [[nodiscard]] bool needs_check(slot which, time_point now) const;
    /// @returns how many checks may still be counted on.
    [[nodiscard]] std::size_t timely_checks(time_point now) const;
    void drop_from_idle(const std::vector<slot>& ended);
    /// @returns for how long nobody connects after `failures` in a row and one more.
    [[nodiscard]] clock::duration pause_after(unsigned failures, double lottery) const;

    pool_options options_;
    std::vector<record> records_;
    std::vector<slot> free_;
    /// Used as a stack, in the order of last use: connections that are not needed grow old at the bottom.
    std::vector<slot> idle_;
    std::set<ticket> waiters_;
    std::set<ticket> sharers_; // those of them who may share a connection
    ticket next_ticket_;
    std::size_t active_ = 0;
    std::size_t checking_ = 0;
    std::size_t connecting_ = 0;
    /// How many connects may run at once above `minimum`.
    std::size_t ramp_ = 1;
    unsigned failures_ = 0;
    unsigned turned_down_ = 0; // in a row
    time_point no_connect_before_{};
    time_point looked_{}; // at the idle ones
    bool suspended_ = false;
    bool closing_ = false;
};

} // namespace tradecore
