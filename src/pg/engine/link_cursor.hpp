// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/engine/bulk.hpp"
#include "pg/fsm/portal.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace tradecore::pg::engine {

/// A cursor on a link: a portal that is executed bit by bit.
///
/// Each step is an exchange of its own, so inside a transaction of the caller's others take their turns between two
/// steps. Outside, the cursor opens a transaction and keeps the link's turn, or statements of others would become part
/// of it.
class link_cursor final : public pg::detail::cursor_core, public std::enable_shared_from_this<link_cursor> {
public:
    link_cursor(std::shared_ptr<link> on, statement what, cursor_options how);
    link_cursor(const link_cursor&) = delete;
    link_cursor& operator=(const link_cursor&) = delete;
    link_cursor(link_cursor&&) = delete;
    link_cursor& operator=(link_cursor&&) = delete;
    ~link_cursor() override;

    [[nodiscard]] static boost::asio::awaitable<std::shared_ptr<cursor_core>>
    open(std::shared_ptr<link> on, statement what, cursor_options how);

    [[nodiscard]] boost::asio::awaitable<result> next() override;
    [[nodiscard]] boost::asio::awaitable<void> close() override;
    void abandon() noexcept override;

private:
    using slice_exchange = exchange_of<fsm::portal_slice>;

    // Coroutines take the cursor by value: their frames keep it.
    static boost::asio::awaitable<result> next_slice(std::shared_ptr<link_cursor> self);
    /// Describes anew what tells of other types than are known of it, as a composite type that was changed does.
    static boost::asio::awaitable<result> describe_changed(std::shared_ptr<link_cursor> self, result slice);
    static boost::asio::awaitable<void> close_now(std::shared_ptr<link_cursor> self);
    static boost::asio::awaitable<void> take_chunk(std::shared_ptr<link_cursor> self);
    static boost::asio::awaitable<void> end_transaction(std::shared_ptr<link_cursor> self);
    static boost::asio::awaitable<void> finish(std::shared_ptr<link_cursor> self);
    static boost::asio::awaitable<void>
    close_portal(std::shared_ptr<link> on, std::string portal, link::clock::time_point deadline);
    static boost::asio::awaitable<void> close_unwatched(std::shared_ptr<link> on, std::string portal);
    static boost::asio::awaitable<void> roll_back(std::shared_ptr<link> on, turn held, exchange_ptr running);

    static void limit_commit(std::shared_ptr<link> on, exchange_ptr commit);

    /// @returns whether it is open; false when it is to be tried once more with what is known then.
    static boost::asio::awaitable<bool>
    try_open(std::shared_ptr<link_cursor> self, link::clock::time_point deadline, bool again);
    static boost::asio::awaitable<bool> take_first(std::shared_ptr<link_cursor> self, bool again);

    [[nodiscard]] bool begin_if_it_fits(link::clock::time_point deadline, bool again);
    void begin(link::clock::time_point deadline);
    void ask();
    [[nodiscard]] std::string_view label() const noexcept;
    [[nodiscard]] std::size_t next_rows() const noexcept;
    [[nodiscard]] bool is_full() const noexcept;

    std::shared_ptr<link> on_;
    statement what_;
    cursor_options how_;
    std::shared_ptr<const prepared_statement> prepared_;
    std::shared_ptr<const row_description> columns_;
    std::string portal_;
    turn turn_;        // while the transaction is the cursor's own
    bool own_ = false; // the transaction
    boost::intrusive_ptr<slice_exchange> asked_;
    boost::intrusive_ptr<exchange_of<fsm::script>> commit_;
    result slice_;                // as far as it has come
    std::size_t rows_before_ = 0; // in it, before the exchange that is under way
    std::size_t slice_bytes_ = 0;
    std::uint64_t all_rows_ = 0;
    std::uint64_t all_bytes_ = 0;
    bool complete_ = false;    // the server has no more rows
    bool over_ = true;         // until it is begun, and at its end
    bool out_of_date_ = false; // what was known of the statement, and nothing has happened
};

} // namespace tradecore::pg::engine
