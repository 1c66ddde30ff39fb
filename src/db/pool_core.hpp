// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/warnings.hpp"

#include <tradecore/db/pool.hpp>
#include <tradecore/pg/abandonable.hpp>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace tradecore::detail {

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
    static boost::asio::awaitable<lease>
    acquire(std::shared_ptr<pool_core> self, usage user, std::optional<clock::time_point> until);

    lease try_acquire(usage user);
    void end_pause() { state_.end_pause(); }
    void give_back(slot which) noexcept;
    void discard(slot which) noexcept;
    /// Closes what is idle, sends waiters away, cancels connects; loans end with their leases.
    void begin_closing();

    [[nodiscard]] pool_stats stats() const noexcept { return state_.stats(); }
    [[nodiscard]] bool is_open() const noexcept { return stage_ == stage::open; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept { return executor_; }

private:
    enum class stage { closed, opening, open, closing, abandoned };

    struct entry {
        std::unique_ptr<physical_connection> connection;
        usage user;
        clock::time_point since;
    };
    struct waiter;
    class watch;
    class end_of_context;

    void require_open() const;
    [[nodiscard]] lease lend(slot which, usage user);
    /// Gives a connection that is free and clean to the next in line.
    void offer(slot which);
    void serve(pool_state::ticket who, slot which);
    void refuse(pool_state::ticket who, const std::exception_ptr& why);
    void drop(slot which) noexcept;
    static boost::asio::awaitable<void> clean(std::shared_ptr<pool_core> self, slot which);

    /// Starts the connects that are wanted now.
    void pump();
    static boost::asio::awaitable<void> connect_one(std::shared_ptr<pool_core> self);
    void connect_ended(std::unique_ptr<physical_connection> made, const std::exception_ptr& failure);
    void arm_timer();
    void on_timer();

    void watch_exhaustion();
    /// Something came or went: tells who watches.
    void changed() noexcept;
    void close_lent() noexcept;
    void abandon() noexcept;
    [[nodiscard]] double lottery();
    [[nodiscard]] std::exception_ptr timeout_reason(clock::time_point since) const;
    [[nodiscard]] std::string holders() const;

    boost::asio::any_io_executor executor_;
    std::string name_;
    pool_options options_;
    connector connect_;
    pool_state state_;
    stage stage_ = stage::closed;
    std::deque<entry> entries_;
    std::map<pool_state::ticket, waiter*> waiters_;
    std::vector<watch*> watches_;
    std::list<boost::asio::cancellation_signal> connects_;
    std::exception_ptr last_connect_error_; // null after a success
    std::exception_ptr opening_error_;      // the first while opening
    exhaustion_watch exhaustion_;
    std::minstd_rand random_;
    // Gone when the context is: a pool that is a global outlives it.
    std::unique_ptr<boost::asio::steady_timer> timer_;
    std::unique_ptr<end_of_context> end_of_context_;
};

} // namespace tradecore::detail
