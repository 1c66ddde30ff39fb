// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/fork_count.hpp"
#include "db/sharing.hpp"
#include "db/users_in_order.hpp"
#include "db/warnings.hpp"

#include <tradecore/db/pool.hpp>
#include <tradecore/pg/abandonable.hpp>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tradecore::detail {

/// @returns "transaction place_order at orders.cpp:42", as far as that is known.
[[nodiscard]] std::string text_of(const usage& user);

/// @returns whether a connection waits for nothing and is outside of transactions.
[[nodiscard]] bool is_clean(const physical_connection& connection) noexcept;

/// A pool's connections and the coroutines that wait for them; carries out what `pool_state` decides.
class pool_core final : public std::enable_shared_from_this<pool_core> {
public:
    using clock = pool_state::clock;
    using slot = pool_state::slot;

    pool_core(boost::asio::any_io_executor executor, std::string name, pool_options options, connector connect);

    pool_core(const pool_core&) = delete;
    pool_core& operator=(const pool_core&) = delete;
    pool_core(pool_core&&) = delete;
    pool_core& operator=(pool_core&&) = delete;
    ~pool_core();

    // Coroutines take the core by value: their frames keep it.
    static boost::asio::awaitable<void> open(std::shared_ptr<pool_core> self);
    static boost::asio::awaitable<void> close(std::shared_ptr<pool_core> self, std::chrono::milliseconds limit);
    /// @param wanted of a statement that may share a connection; see `weigh`.
    static boost::asio::awaitable<lease>
    acquire(std::shared_ptr<pool_core> self, usage user, std::optional<clock::time_point> until, share wanted = {});

    lease try_acquire(usage user, share wanted = {}, clock::time_point now = clock::now());
    /// @returns what a statement that may share a connection asks for; for nothing when that is switched off.
    [[nodiscard]] share weigh(expected_time& time) const noexcept
    {
        return options_.sharing.enabled ? share{.time = &time, .weight = sharing_.weight_of(time)} : share();
    }
    void end_pause() { state_.end_pause(); }
    void suspend();
    void resume();
    [[nodiscard]] bool is_suspended() const noexcept { return state_.is_suspended(); }
    std::size_t evict(const pool::predicate& unwanted);
    void count_sent_away() noexcept { ++counted_.sent_away; }
    /// A connection was lost that statements shared: one event, however many there were.
    /// @returns what the retry budget has said to the first of them; theirs until another connection takes the place.
    [[nodiscard]] std::optional<bool>& granted_together(slot which) noexcept { return entries_[which].granted; }
    void give_back(slot which, const share& of = {}, clock::time_point now = clock::now()) noexcept;
    void discard(slot which, const share& of = {}) noexcept;
    /// Closes what is idle, sends waiters away, cancels connects; loans end with their leases.
    void begin_closing();

    [[nodiscard]] pool_stats stats() const noexcept { return state_.stats(); }
    [[nodiscard]] const pool_statistics& statistics() const noexcept { return counted_; }
    [[nodiscard]] bool is_open() const noexcept { return stage_ == stage::open; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept { return executor_; }

private:
    enum class stage { closed, opening, open, closing, abandoned };

    struct entry {
        std::unique_ptr<physical_connection> connection;
        users_in_order users;
        clock::time_point since;     // when the front one of them got it, or came to the front
        bool is_new = true;          // nobody has had it yet
        bool is_lent = false;        // to a caller
        bool reported = false;       // as a leak
        std::optional<bool> granted; // to all that shared it when it was lost
    };
    /// A connect under way.
    struct attempt {
        clock::time_point began = clock::now();
        boost::asio::cancellation_signal cancel;
        std::vector<pool::predicate> unwanted; // evicted meanwhile

        [[nodiscard]] bool is_unwanted(const physical_connection& made) const noexcept;
    };
    using attempts = std::list<attempt>;
    struct waiter;
    class watch;
    class end_of_context;

    void require_open() const;
    /// @returns whether this is not the process that made the pool.
    [[nodiscard]] bool is_forked() const noexcept { return forks_ != fork_count(); }
    [[nodiscard]] bool takes_part() const noexcept { return stage_ == stage::open || stage_ == stage::opening; }

    // pool_lending.cpp
    [[nodiscard]] std::optional<slot> pick_idle(clock::time_point now);
    /// @returns whether an active connection may be lent; one that may not is closed.
    [[nodiscard]] bool is_fit(slot which, clock::time_point now, const share& of = {});
    /// @returns what the hook says of a connection that is about to be lent.
    [[nodiscard]] bool is_approved(slot which, clock::time_point now);
    [[nodiscard]] lease lend(slot which, usage user, clock::time_point now, const share& of);
    [[nodiscard]] bool is_slow(clock::duration wait) const noexcept
    {
        return options_.slow_acquire.count() != 0 && wait > options_.slow_acquire;
    }
    void warn_of_wait(clock::duration took, const usage& user, std::string_view waited_for) const;
    /// Promises a connection to somebody in line; whoever is in front of its users is what was waited for.
    void serve(pool_state::ticket who, slot which);
    /// The same of one that nobody uses any more, and lets others of the line share it.
    void hand_over(slot which, pool_state::ticket next);
    void refuse(pool_state::ticket who, const std::exception_ptr& why);
    void watch_exhaustion(clock::time_point now);

    // pool_sharing.cpp
    /// Counts a statement as one of those that use a connection, if it may share that one.
    /// @returns what it then has of it.
    [[nodiscard]] share begin_share(slot which, const share& wanted, clock::time_point now);
    /// @returns whether the connection is free now.
    bool end_share(slot which, const share& of, clock::time_point now) noexcept;
    /// Of one whose share has ended while others go on.
    void leave_to_others(slot which, const share& of, clock::time_point now) noexcept;
    /// @returns whether statements may be sent behind those that are under way on a connection.
    [[nodiscard]] bool takes_more(slot which, clock::time_point now) const;
    /// Sends a statement behind others, when it may.
    [[nodiscard]] lease try_join(usage& user, const share& wanted, clock::time_point now);
    /// Lets those who wait onto a connection that is shared, as many as are its part.
    void fill(slot which);
    void watch_shared(clock::time_point when);
    void send_away_from_stuck();

    // pool_returning.cpp
    /// Gives a connection that is free and clean to the next in line.
    void offer(slot which, clock::time_point now = clock::now());
    void drop(slot which) noexcept;
    /// Closes what `state_` has removed.
    void close_removed(std::span<const slot> gone) noexcept;
    [[nodiscard]] bool allows(const std::function<bool(physical_connection&)>& hook, slot which) const noexcept;
    [[nodiscard]] bool must_reset(const physical_connection& returned) const noexcept;
    static boost::asio::awaitable<void> reset(std::shared_ptr<pool_core> self, physical_connection* altered);
    static boost::asio::awaitable<void> clean(std::shared_ptr<pool_core> self, slot which);

    // pool_checking.cpp
    void start_check(slot which);
    static boost::asio::awaitable<void> check(std::shared_ptr<pool_core> self, slot which);
    void check_ended(slot which, bool answered, bool in_time);

    // pool_connecting.cpp
    /// Starts the checks and connects that are wanted now.
    void pump();
    static boost::asio::awaitable<void> connect_one(std::shared_ptr<pool_core> self, attempts::iterator of);
    static boost::asio::awaitable<void> prepare(std::shared_ptr<pool_core> self, physical_connection* made);
    void connect_ended(const attempt& of, std::unique_ptr<physical_connection> made, const std::exception_ptr& failure);
    void connect_failed(const std::exception_ptr& failure);
    void arm_timer();
    void on_timer();

    // pool_leaks.cpp
    void look_for_leaks();
    void arm_leak_timer(clock::time_point when);
    void tell_of_return(slot which);

    /// Something came or went: tells who watches.
    void changed() noexcept;
    void close_lent() noexcept;
    void abandon() noexcept;
    [[nodiscard]] double lottery();
    /// Counts the timeout.
    [[nodiscard]] std::exception_ptr timeout_reason(clock::time_point since);
    /// @param handed_over a connection that its users have just left: what the next one waited for is named first.
    [[nodiscard]] std::string holders(std::optional<slot> handed_over = {}) const;

    boost::asio::any_io_executor executor_;
    std::string name_;
    pool_options options_;
    connector connect_;
    pool_state state_;
    sharing sharing_;
    stage stage_ = stage::closed;
    unsigned lives_ = 0; // how often it was opened
    std::deque<entry> entries_;
    std::map<pool_state::ticket, waiter*> waiters_;
    std::vector<watch*> watches_;
    attempts connects_;
    std::exception_ptr last_connect_error_; // null after a success
    std::exception_ptr opening_error_;      // the first while opening
    bool server_is_full_ = false;           // said while opening
    clock::time_point suspended_at_;
    exhaustion_watch exhaustion_;
    pool_statistics counted_;
    std::minstd_rand random_;
    unsigned forks_ = fork_count();
    // Gone when the context is: a pool that is a global outlives it.
    std::unique_ptr<boost::asio::steady_timer> timer_;
    std::unique_ptr<boost::asio::steady_timer> leak_timer_;
    std::unique_ptr<boost::asio::steady_timer> share_timer_;
    bool watches_shared_ = false;
    std::unique_ptr<end_of_context> end_of_context_;
};

} // namespace tradecore::detail
