// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/bulk.hpp"
#include "pg/engine/call.hpp"
#include "pg/engine/traced_query.hpp"

#include <utility>

namespace tradecore::pg::engine {

namespace asio = boost::asio;
using pg::detail::copy_in_core;
using pg::detail::copy_out_core;
using pg::detail::copy_request;
using pg::detail::cursor_core;

namespace {

using query_ptr = std::unique_ptr<traced_query>;

class traced_cursor final : public cursor_core, public std::enable_shared_from_this<traced_cursor> {
public:
    traced_cursor(query_ptr query, std::shared_ptr<cursor_core> inner)
        : query_(std::move(query)), inner_(std::move(inner))
    {}
    [[nodiscard]] asio::awaitable<result> next() override { return next_of(shared_from_this()); }
    [[nodiscard]] asio::awaitable<void> close() override { return close_of(shared_from_this()); }
    void abandon() noexcept override
    {
        inner_->abandon();
        query_->given_up();
    }

private:
    static asio::awaitable<result> next_of(std::shared_ptr<traced_cursor> self)
    {
        auto rows = co_await watch(*self->query_, self->inner_->next());
        self->rows_ += rows.size();
        if (rows.empty())
            self->query_->ended(self->rows_, nullptr);
        co_return rows;
    }
    static asio::awaitable<void> close_of(std::shared_ptr<traced_cursor> self)
    {
        co_await watch(*self->query_, self->inner_->close());
        self->query_->ended(self->rows_, nullptr);
    }

    query_ptr query_;
    std::shared_ptr<cursor_core> inner_;
    std::uint64_t rows_ = 0;
};

class traced_copy_in final : public copy_in_core, public std::enable_shared_from_this<traced_copy_in> {
public:
    traced_copy_in(query_ptr query, std::shared_ptr<copy_in_core> inner)
        : query_(std::move(query)), inner_(std::move(inner))
    {}
    [[nodiscard]] const std::shared_ptr<const row_description>& columns() const noexcept override
    {
        return inner_->columns();
    }
    [[nodiscard]] std::string& buffer() noexcept override { return inner_->buffer(); }
    [[nodiscard]] asio::awaitable<void> send(std::uint64_t rows) override { return send_of(shared_from_this(), rows); }
    [[nodiscard]] asio::awaitable<command_tag> finish(std::uint64_t rows) override
    {
        return finish_of(shared_from_this(), rows);
    }
    void abandon() noexcept override
    {
        inner_->abandon();
        query_->given_up();
    }

private:
    static asio::awaitable<void> send_of(std::shared_ptr<traced_copy_in> self, std::uint64_t rows)
    {
        co_await watch(*self->query_, self->inner_->send(rows));
    }
    static asio::awaitable<command_tag> finish_of(std::shared_ptr<traced_copy_in> self, std::uint64_t rows)
    {
        auto tag = co_await watch(*self->query_, self->inner_->finish(rows));
        self->query_->ended(tag.rows_affected(), nullptr);
        co_return tag;
    }

    query_ptr query_;
    std::shared_ptr<copy_in_core> inner_;
};

class traced_copy_out final : public copy_out_core, public std::enable_shared_from_this<traced_copy_out> {
public:
    traced_copy_out(query_ptr query, std::shared_ptr<copy_out_core> inner)
        : query_(std::move(query)), inner_(std::move(inner))
    {}
    [[nodiscard]] const std::shared_ptr<const row_description>& columns() const noexcept override
    {
        return inner_->columns();
    }
    [[nodiscard]] asio::awaitable<std::string> read(std::uint64_t rows) override
    {
        return read_of(shared_from_this(), rows);
    }
    void abandon() noexcept override
    {
        inner_->abandon();
        query_->given_up();
    }

private:
    static asio::awaitable<std::string> read_of(std::shared_ptr<traced_copy_out> self, std::uint64_t rows)
    {
        auto data = co_await watch(*self->query_, self->inner_->read(rows));
        if (data.empty())
            self->query_->ended(rows_copied(*self->inner_), nullptr);
        co_return data;
    }

    query_ptr query_;
    std::shared_ptr<copy_out_core> inner_;
};

} // namespace

asio::awaitable<std::shared_ptr<cursor_core>>
open_cursor_traced(std::shared_ptr<link> on, statement what, cursor_options how)
{
    auto query = std::make_unique<traced_query>(on->trace, label_of(what.options, what.verb), what.sql);
    auto opened = co_await watch(*query, open_cursor(std::move(on), std::move(what), how));
    co_return std::make_shared<traced_cursor>(std::move(query), std::move(opened));
}

asio::awaitable<std::shared_ptr<copy_in_core>> open_copy_in_traced(std::shared_ptr<link> on, copy_request what)
{
    auto query = std::make_unique<traced_query>(on->trace, label_of(what.options.call, "COPY"), what.copy);
    auto opened = co_await watch(*query, open_copy_in(std::move(on), std::move(what)));
    co_return std::make_shared<traced_copy_in>(std::move(query), std::move(opened));
}

asio::awaitable<std::shared_ptr<copy_out_core>> open_copy_out_traced(std::shared_ptr<link> on, copy_request what)
{
    auto query = std::make_unique<traced_query>(on->trace, label_of(what.options.call, "COPY"), what.copy);
    auto opened = co_await watch(*query, open_copy_out(std::move(on), std::move(what)));
    co_return std::make_shared<traced_copy_out>(std::move(query), std::move(opened));
}

} // namespace tradecore::pg::engine
