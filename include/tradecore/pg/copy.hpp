// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/column.hpp>
#include <tradecore/pg/identifier.hpp>
#include <tradecore/pg/result.hpp>
#include <tradecore/pg/statement.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tradecore::pg {

/// How far a COPY has come.
struct copy_progress {
    /// Rows handed over or read; 0 for streams of text, whose rows nobody counts on this side.
    std::uint64_t rows = 0;
    /// Bytes of data.
    std::uint64_t bytes = 0;
};

struct copy_options {
    /// Called each time a piece of data went over (some 64 KiB) and with all of it, on the connection's executor: for
    /// COPY to the server before that is asked to store it, for COPY from it once more when everything has come. What
    /// it throws ends the COPY; from that last call it is ignored, for there is nothing left to end.
    std::function<void(const copy_progress&)> progress{};
    /// `timeout` limits the COPY from its begin to its end.
    call_options call{};
};

namespace detail {

/// A COPY to be begun.
struct copy_request {
    /// The COPY statement.
    sql_text copy;
    /// A query with the same columns, whose description says their types; empty for streams of text.
    sql_text columns{};
    copy_options options{};
};

/// The sending end of a COPY.
class copy_in_core {
public:
    copy_in_core() = default;
    copy_in_core(const copy_in_core&) = delete;
    copy_in_core& operator=(const copy_in_core&) = delete;
    copy_in_core(copy_in_core&&) = delete;
    copy_in_core& operator=(copy_in_core&&) = delete;
    virtual ~copy_in_core() = default;

    /// The columns' types; null for streams of text.
    [[nodiscard]] virtual const std::shared_ptr<const row_description>& columns() const noexcept = 0;
    /// Where data is put together; `send` empties it.
    [[nodiscard]] virtual std::string& buffer() noexcept = 0;
    /// Hands over what is in the buffer, and waits while too much waits to be sent.
    /// @param rows in all so far, for the progress.
    [[nodiscard]] virtual boost::asio::awaitable<void> send(std::uint64_t rows) = 0;
    /// The same for the last piece; waits for the server's answer.
    [[nodiscard]] virtual boost::asio::awaitable<command_tag> finish(std::uint64_t rows) = 0;
    /// Gives it up: nothing is stored.
    virtual void abandon() noexcept = 0;
};

/// The receiving end of a COPY.
class copy_out_core {
public:
    copy_out_core() = default;
    copy_out_core(const copy_out_core&) = delete;
    copy_out_core& operator=(const copy_out_core&) = delete;
    copy_out_core(copy_out_core&&) = delete;
    copy_out_core& operator=(copy_out_core&&) = delete;
    virtual ~copy_out_core() = default;

    [[nodiscard]] virtual const std::shared_ptr<const row_description>& columns() const noexcept = 0;
    /// @param rows taken out of the data so far, for the progress.
    /// @returns data that has come, as much as there is; none at the end.
    [[nodiscard]] virtual boost::asio::awaitable<std::string> read(std::uint64_t rows) = 0;
    virtual void abandon() noexcept = 0;
};

/// How much data goes over at once.
inline constexpr std::size_t copy_piece = std::size_t{64} * 1024;

/// @returns what copies rows into columns of a table.
/// @throws argument_error for names that are none, or no column.
[[nodiscard]] copy_request
copy_into(const table_name& table, const std::vector<std::string>& columns, copy_options options);
/// @returns what copies a query's rows out.
[[nodiscard]] copy_request copy_of(const sql_text& query, copy_options options);

} // namespace detail

} // namespace tradecore::pg
