// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/copy.hpp>
#include <tradecore/pg/open_handle.hpp>
#include <tradecore/pg/row_mapping.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tradecore::pg {

namespace detail {

class copy_row_decoder;

/// Turns binary COPY data into results; shared by reader and frames.
class copy_out_rows {
public:
    explicit copy_out_rows(std::shared_ptr<copy_out_core> from);
    copy_out_rows(const copy_out_rows&) = delete;
    copy_out_rows& operator=(const copy_out_rows&) = delete;
    copy_out_rows(copy_out_rows&&) = delete;
    copy_out_rows& operator=(copy_out_rows&&) = delete;
    ~copy_out_rows();

    /// @returns rows that have come; none at the end.
    static boost::asio::awaitable<result> next(std::shared_ptr<copy_out_rows> self);

private:
    std::shared_ptr<copy_out_core> from_;
    std::unique_ptr<copy_row_decoder> decoder_;
    std::uint64_t count_ = 0;
    bool ended_ = false;
};

template <class T>
boost::asio::awaitable<std::vector<T>> next_copied(std::shared_ptr<copy_out_rows> from)
{
    const result rows = co_await copy_out_rows::next(std::move(from));
    co_return map_rows<T>(rows);
}

} // namespace detail

/// The rows of a query, read with binary COPY: the fastest way to read many.
///
///     auto ticks = co_await db.copy_out<tick>("SELECT at, price FROM ticks");
///     for (auto slice = co_await ticks.next(); !slice.empty(); slice = co_await ticks.next())
///         use(slice);
///
/// A slice is what has come; when nobody takes it, reading stops (at some 256 KiB, and at least one row). Until the
/// end the reader has the connection for itself: other statements on it wait, and one that the reader's own coroutine
/// awaits before the end may wait for ever.
///
/// Errors: as of `session::fetch`, at any slice; rows of slices before it were read. `argument_error` for a reader
///         that was moved from.
/// Cancellation: terminal; the server is asked to stop.
/// Thread safety: none; one call at a time.
/// Lifetimes: independent of the session. Destruction before the end asks the server to stop, in the background (in a
///         transaction that makes the transaction fail); the connection is usable.
template <class T>
class copy_reader {
public:
    explicit copy_reader(std::shared_ptr<detail::copy_out_core> core)
        : rows_(std::make_shared<detail::copy_out_rows>(std::move(core)))
    {}

    /// @returns the next rows; none at the end and ever after.
    [[nodiscard]] boost::asio::awaitable<std::vector<T>> next()
    {
        return detail::next_copied<T>(detail::opened(rows_, "COPY"));
    }

private:
    std::shared_ptr<detail::copy_out_rows> rows_;
};

/// Receives text or CSV, or whatever else a COPY statement writes. See `copy_reader`.
class copy_out_stream {
public:
    explicit copy_out_stream(std::shared_ptr<detail::copy_out_core> core) noexcept : core_(std::move(core)) {}
    copy_out_stream(copy_out_stream&&) noexcept = default;
    copy_out_stream& operator=(copy_out_stream&& other) noexcept
    {
        std::swap(core_, other.core_);
        return *this;
    }
    copy_out_stream(const copy_out_stream&) = delete;
    copy_out_stream& operator=(const copy_out_stream&) = delete;
    ~copy_out_stream()
    {
        if (core_)
            core_->abandon();
    }

    /// @returns data that has come, cut anywhere; none at the end and ever after.
    [[nodiscard]] boost::asio::awaitable<std::string> read() { return detail::opened(core_, "COPY")->read(0); }

private:
    std::shared_ptr<detail::copy_out_core> core_;
};

namespace detail {

template <class T>
boost::asio::awaitable<copy_reader<T>> open_reader(boost::asio::awaitable<std::shared_ptr<copy_out_core>> opening)
{
    co_return copy_reader<T>(co_await std::move(opening));
}
template <class Stream, class Core>
boost::asio::awaitable<Stream> open_stream(boost::asio::awaitable<std::shared_ptr<Core>> opening)
{
    co_return Stream(co_await std::move(opening));
}

} // namespace detail

} // namespace tradecore::pg
