// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/lease_end.hpp"

#include <tradecore/pg/cursor.hpp>

#include <boost/asio/awaitable.hpp>

#include <exception>
#include <memory>
#include <utility>

namespace tradecore::detail {

/// A cursor with the connection it keeps; gives it back at its end.
class leased_cursor final : public pg::detail::cursor_core, public std::enable_shared_from_this<leased_cursor> {
public:
    leased_cursor(lease connection, std::shared_ptr<cursor_core> inner)
        : connection_(std::move(connection)), inner_(std::move(inner))
    {}
    boost::asio::awaitable<pg::result> next() override { return next_of(shared_from_this()); }
    boost::asio::awaitable<void> close() override { return close_of(shared_from_this()); }
    void abandon() noexcept override
    {
        inner_->abandon();
        connection_.reset();
    }

private:
    static boost::asio::awaitable<pg::result> next_of(std::shared_ptr<leased_cursor> self)
    {
        std::exception_ptr error;
        pg::result rows;
        try {
            rows = co_await self->inner_->next();
        }
        catch (...) {
            error = std::current_exception();
        }
        discard_if_broken(self->connection_, error);
        if (error || rows.empty())
            self->connection_.reset();
        if (error)
            std::rethrow_exception(error);
        co_return rows;
    }
    static boost::asio::awaitable<void> close_of(std::shared_ptr<leased_cursor> self)
    {
        const auto connection = std::move(self->connection_);
        co_await self->inner_->close();
    }

    lease connection_;
    std::shared_ptr<cursor_core> inner_;
};

} // namespace tradecore::detail
