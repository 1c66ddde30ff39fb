// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/copy_row_encoder.hpp>
#include <tradecore/pg/copy.hpp>
#include <tradecore/pg/open_handle.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tradecore::pg {

namespace detail {

/// Owns a COPY's sending end: what was not finished is given up.
class copy_in_owner {
public:
    copy_in_owner() = default;
    explicit copy_in_owner(std::shared_ptr<copy_in_core> core) noexcept : core_(std::move(core)) {}
    copy_in_owner(copy_in_owner&&) noexcept = default;
    copy_in_owner& operator=(copy_in_owner&& other) noexcept
    {
        std::swap(core_, other.core_);
        return *this;
    }
    copy_in_owner(const copy_in_owner&) = delete;
    copy_in_owner& operator=(const copy_in_owner&) = delete;
    ~copy_in_owner()
    {
        if (core_)
            core_->abandon();
    }
    [[nodiscard]] copy_in_core* operator->() const { return shared().get(); }
    [[nodiscard]] const std::shared_ptr<copy_in_core>& shared() const { return opened(core_, "COPY"); }

private:
    std::shared_ptr<copy_in_core> core_;
};

[[nodiscard]] boost::asio::awaitable<void> no_wait();
[[nodiscard]] boost::asio::awaitable<std::uint64_t> finish_rows(std::shared_ptr<copy_in_core> to, std::uint64_t rows);

} // namespace detail

/// Writes rows into a table with binary COPY, for sources that are large or come bit by bit.
///
///     auto writer = co_await db.copy_writer("trading.ticks", {"at", "price"});
///     while (const auto tick = co_await source.next())
///         co_await writer.write_row(tick->at, tick->price);
///     const auto rows = co_await writer.finish();
///
/// Nothing is stored before `finish` has returned (and, in a transaction, before that is committed). Until then the
/// writer has the connection for itself: other statements on it wait, and one that the writer's own coroutine awaits
/// waits for ever, or to its time limit.
///
/// Errors: the server's (a constraint, for instance) comes out of a later `write…` or of `finish`; what was written
///         is dropped. `argument_error` for a row that does not fit: it was not written, others may follow; and for
///         a writer that was moved from.
/// Cancellation: terminal, of every wait; nothing is stored.
/// Thread safety: none; one call at a time.
/// Lifetimes: independent of the session. Destruction before `finish` gives it up: nothing is stored, cleaning up
///         happens in the background, and the connection is usable.
class copy_writer {
public:
    explicit copy_writer(std::shared_ptr<detail::copy_in_core> core) : encoder_(core->columns()), core_(std::move(core))
    {
        detail::copy_row_encoder::begin(core_->buffer());
    }

    /// Writes one row, one argument for each column. They are encoded before the call returns.
    template <class... Values>
    [[nodiscard]] boost::asio::awaitable<void> write_row(const Values&... values)
    {
        encoder_.append_row(core_->buffer(), values...);
        return full() ? flush() : detail::no_wait();
    }

    /// Writes one row: a tuple, a pair, an aggregate, a described struct (its members in order), or the only value.
    /// Never waits: see to it that `flush` is awaited when the writer is `full`.
    template <class Row>
    void append(const Row& row)
    {
        encoder_.append(core_->buffer(), row);
    }
    [[nodiscard]] bool full() const { return core_->buffer().size() >= detail::copy_piece; }
    /// Hands over what was written, and waits while much waits to be sent.
    [[nodiscard]] boost::asio::awaitable<void> flush() { return core_->send(encoder_.rows()); }

    /// @returns how many rows were written.
    [[nodiscard]] std::uint64_t rows() const noexcept { return encoder_.rows(); }

    /// Ends the COPY.
    /// @returns how many rows the server has stored.
    [[nodiscard]] boost::asio::awaitable<std::uint64_t> finish()
    {
        detail::copy_row_encoder::end(core_->buffer());
        return detail::finish_rows(core_.shared(), encoder_.rows());
    }

private:
    detail::copy_row_encoder encoder_;
    detail::copy_in_owner core_;
};

/// Sends text or CSV, or whatever else a COPY statement reads. See `copy_writer` for when it is stored and what ends
/// it.
class copy_in_stream {
public:
    explicit copy_in_stream(std::shared_ptr<detail::copy_in_core> core) noexcept : core_(std::move(core)) {}

    /// Sends data, cut anywhere. It is copied before the call returns.
    [[nodiscard]] boost::asio::awaitable<void> write(std::string_view data)
    {
        core_->buffer().append(data);
        return core_->buffer().size() >= detail::copy_piece ? core_->send(0) : detail::no_wait();
    }
    /// Ends the data.
    /// @returns how many rows the server has stored.
    [[nodiscard]] boost::asio::awaitable<std::uint64_t> finish() { return detail::finish_rows(core_.shared(), 0); }

private:
    detail::copy_in_owner core_;
};

namespace detail {

template <std::ranges::view View>
boost::asio::awaitable<std::uint64_t>
copy_range(boost::asio::awaitable<std::shared_ptr<copy_in_core>> opening, View rows)
{
    copy_writer writer(co_await std::move(opening));
    for (auto&& row : rows) {
        writer.append(row);
        if (writer.full())
            co_await writer.flush();
    }
    co_return co_await writer.finish();
}

/// The names of a described struct's members.
template <described_row Row>
std::vector<std::string> member_names()
{
    std::vector<std::string> names;
    boost::mp11::mp_for_each<described_members<Row>>([&](auto member) { names.emplace_back(member.name); });
    return names;
}

} // namespace detail

} // namespace tradecore::pg
