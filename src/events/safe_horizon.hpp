// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tradecore::events {

/// Decides which visible events may be delivered, without any I/O.
///
/// Positions are drawn before their transaction commits, so an event can become visible behind one that
/// already is. The horizon H is the last position delivered. Rows that follow H without a gap are safe.
/// At a gap a fence is put up: S, the last position drawn so far, and after that F, the transactions
/// that hold the lock under which positions are drawn. Whoever drew a position up to S is in F or has
/// ended. When none of F is left, what is visible in (H, S] to a statement that begins then is all there
/// will ever be there.
///
/// H moves to positions delivered, never to S: a crash takes back sequence values that no commit
/// flushed, and they are drawn again. For the same reason a fence holds only for the run of the server
/// in which it was put up.
///
/// Every answer is of one statement of its own at READ COMMITTED. An answer that never comes changes
/// nothing: ask `wanted()` again.
///
/// Source: PostgreSQL documentation, chapters "Sequence Manipulation Functions" and "pg_locks".
class safe_horizon {
public:
    explicit safe_horizon(std::int64_t delivered) noexcept : delivered_(delivered) {}

    enum class statement {
        /// The rows after `delivered()` in position order, for `rows_ahead`.
        rows_ahead,
        /// The last position drawn from the sequence and the server's run, for `last_drawn`.
        last_drawn,
        /// The virtual transactions that hold the lock and the server's run, for `lock_holders`.
        lock_holders,
        /// The rows in (`delivered()`, `fence()`], provided the server's run is still `run()`, for
        /// `rows_up_to_fence`.
        rows_up_to_fence
    };

    /// @returns the statement whose answer is needed next.
    [[nodiscard]] statement wanted() const noexcept { return wanted_; }

    /// @param positions of the visible rows after `delivered()`, rising.
    /// @returns how many of them, from the first, are delivered with this. When none is although some
    ///          are visible, there is a gap, and another statement is wanted.
    [[nodiscard]] std::size_t rows_ahead(std::span<const std::int64_t> positions);

    /// @param position S: everything drawn so far is at most this.
    /// @param run what changes whenever the server starts or recovers from a crash.
    void last_drawn(std::int64_t position, std::string run);

    /// @param transactions the holders, as `pg_locks.virtualtransaction`.
    /// @returns whether to go on at once; otherwise the fence stands, and it is no use to ask again
    ///          before some time has passed.
    [[nodiscard]] bool lock_holders(std::vector<std::string> transactions, std::string_view run);

    /// @param positions of the rows, rising; all of them are delivered with this.
    /// @param complete whether these are all the rows up to the fence, not cut off by a limit.
    void rows_up_to_fence(std::span<const std::int64_t> positions, bool complete);

    [[nodiscard]] std::int64_t delivered() const noexcept { return delivered_; }
    /// @returns S; meaningful while a fence stands.
    [[nodiscard]] std::int64_t fence() const noexcept { return fence_; }
    /// @returns the server's run in which the fence was put up.
    [[nodiscard]] const std::string& run() const noexcept { return run_; }

private:
    void take_fence_down() noexcept;

    std::int64_t delivered_;
    statement wanted_ = statement::rows_ahead;

    std::int64_t fence_ = -1;
    std::string run_;
    bool holders_known_ = false;
    std::vector<std::string> holders_; // sorted
};

} // namespace tradecore::events
