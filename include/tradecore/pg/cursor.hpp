// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/open_handle.hpp>
#include <tradecore/pg/result.hpp>
#include <tradecore/pg/row_mapping.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace tradecore::pg {

/// How a cursor reads.
struct cursor_options {
    /// How many rows a slice has at most; at least 1, or the cursor is refused with `argument_error`.
    std::size_t rows = 1'000;
    /// A slice ends early when its rows take so many bytes. The first rows are asked for in a small number, later
    /// ones in the number that fits by what rows have taken so far, so a slice is hardly ever larger than this and one
    /// row.
    std::size_t bytes = std::size_t{4} * 1024 * 1024;
    /// Ask for the next slice as soon as one has come; two slices are then in memory.
    bool read_ahead = true;
};

namespace detail {

/// What runs a cursor.
class cursor_core {
public:
    cursor_core() = default;
    cursor_core(const cursor_core&) = delete;
    cursor_core& operator=(const cursor_core&) = delete;
    cursor_core(cursor_core&&) = delete;
    cursor_core& operator=(cursor_core&&) = delete;
    virtual ~cursor_core() = default;

    /// @returns the next rows; none at the end.
    [[nodiscard]] virtual boost::asio::awaitable<result> next() = 0;
    /// Ends it in order.
    [[nodiscard]] virtual boost::asio::awaitable<void> close() = 0;
    /// Nobody reads on: cleans up in the background.
    virtual void abandon() noexcept = 0;
};

template <class T>
boost::asio::awaitable<std::vector<T>> next_rows(std::shared_ptr<cursor_core> of)
{
    const result rows = co_await of->next();
    co_return map_rows<T>(rows);
}

} // namespace detail

/// The rows of a statement in slices, read from the server as they are wanted; `cursor<result>` has them untyped.
///
///     auto trades = co_await db.cursor<trade>("SELECT … FROM trades WHERE day = $1", day);
///     for (auto slice = co_await trades.next(); !slice.empty(); slice = co_await trades.next())
///         use(slice);
///
/// Inside a transaction other statements may run between two slices, and the cursor ends with the transaction.
/// Outside, it is a transaction of its own, which is committed as soon as its last row has arrived, before that is
/// handed out (an error of that, of a deferred constraint for instance, comes instead of the empty slice), or with
/// `close`. Given up earlier it is rolled back; given up later, what it did stays. Until its last row has arrived it
/// has the connection for itself: other statements on that wait, and one that the cursor's own coroutine awaits waits
/// for ever, or to its time limit.
///
/// Errors: of `next` as of `session::fetch`; the cursor is then over. `argument_error` from the call itself for a
///         cursor that is not open: default-constructed, or moved from.
/// Cancellation: of `next`, terminal; the server is asked to stop, and the cursor is over.
/// Thread safety: none; one call at a time.
/// Lifetimes: independent of the session. Destruction gives it up: cleaning up happens in the background.
template <class T>
class cursor {
public:
    using slice = std::conditional_t<std::is_same_v<T, result>, result, std::vector<T>>;

    cursor() = default;
    explicit cursor(std::shared_ptr<detail::cursor_core> core) noexcept : core_(std::move(core)) {}
    cursor(cursor&&) noexcept = default;
    cursor& operator=(cursor&& other) noexcept
    {
        std::swap(core_, other.core_);
        return *this;
    }
    cursor(const cursor&) = delete;
    cursor& operator=(const cursor&) = delete;
    ~cursor()
    {
        if (core_)
            core_->abandon();
    }

    /// @returns the next rows, in one slice; an empty one at the end and ever after.
    [[nodiscard]] boost::asio::awaitable<slice> next()
    {
        if constexpr (std::is_same_v<T, result>)
            return detail::opened(core_, "cursor")->next();
        else
            return detail::next_rows<T>(detail::opened(core_, "cursor"));
    }

    /// Ends it before its last row, as if that had been read. Does nothing at the end.
    [[nodiscard]] boost::asio::awaitable<void> close() { return detail::opened(core_, "cursor")->close(); }

private:
    std::shared_ptr<detail::cursor_core> core_;
};

} // namespace tradecore::pg
