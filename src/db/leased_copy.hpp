// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/lease_end.hpp"

#include <tradecore/pg/copy.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace tradecore::detail {

/// A COPY with the connection it keeps; gives it back at its end.
class leased_copy_in final : public pg::detail::copy_in_core, public std::enable_shared_from_this<leased_copy_in> {
public:
    leased_copy_in(lease connection, std::shared_ptr<copy_in_core> inner)
        : connection_(std::move(connection)), inner_(std::move(inner))
    {}
    const std::shared_ptr<const pg::row_description>& columns() const noexcept override { return inner_->columns(); }
    std::string& buffer() noexcept override { return inner_->buffer(); }
    boost::asio::awaitable<void> send(std::uint64_t rows) override { return send_to(shared_from_this(), rows); }
    boost::asio::awaitable<pg::command_tag> finish(std::uint64_t rows) override
    {
        return finish_of(shared_from_this(), rows);
    }
    void abandon() noexcept override
    {
        inner_->abandon();
        connection_.reset();
    }

private:
    static boost::asio::awaitable<void> send_to(std::shared_ptr<leased_copy_in> self, std::uint64_t rows)
    {
        std::exception_ptr error;
        try {
            co_await self->inner_->send(rows);
        }
        catch (...) {
            error = std::current_exception();
        }
        discard_if_broken(self->connection_, error);
        if (error)
            std::rethrow_exception(error);
    }
    static boost::asio::awaitable<pg::command_tag> finish_of(std::shared_ptr<leased_copy_in> self, std::uint64_t rows)
    {
        std::exception_ptr error;
        pg::command_tag tag;
        try {
            tag = co_await self->inner_->finish(rows);
        }
        catch (...) {
            error = std::current_exception();
        }
        discard_if_broken(self->connection_, error);
        if (error)
            std::rethrow_exception(error);
        self->connection_.reset();
        co_return tag;
    }

    lease connection_;
    std::shared_ptr<copy_in_core> inner_;
};

/// The same in the other direction.
class leased_copy_out final : public pg::detail::copy_out_core, public std::enable_shared_from_this<leased_copy_out> {
public:
    leased_copy_out(lease connection, std::shared_ptr<copy_out_core> inner)
        : connection_(std::move(connection)), inner_(std::move(inner))
    {}
    const std::shared_ptr<const pg::row_description>& columns() const noexcept override { return inner_->columns(); }
    boost::asio::awaitable<std::string> read(std::uint64_t rows) override { return read_of(shared_from_this(), rows); }
    void abandon() noexcept override
    {
        inner_->abandon();
        connection_.reset();
    }

private:
    static boost::asio::awaitable<std::string> read_of(std::shared_ptr<leased_copy_out> self, std::uint64_t rows)
    {
        std::exception_ptr error;
        std::string data;
        try {
            data = co_await self->inner_->read(rows);
        }
        catch (...) {
            error = std::current_exception();
        }
        discard_if_broken(self->connection_, error);
        if (error)
            std::rethrow_exception(error);
        if (data.empty())
            self->connection_.reset();
        co_return data;
    }

    lease connection_;
    std::shared_ptr<copy_out_core> inner_;
};

} // namespace tradecore::detail
