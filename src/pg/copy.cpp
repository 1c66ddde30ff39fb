// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/copy_binary.hpp"

#include <tradecore/pg/copy_in.hpp>
#include <tradecore/pg/copy_out.hpp>
#include <tradecore/pg/error.hpp>

#include <utility>

namespace tradecore::pg::detail {

namespace asio = boost::asio;

namespace {

sql_text owned(std::string text)
{
    const auto owner = std::make_shared<const std::string>(std::move(text));
    return {*owner, owner};
}

} // namespace

copy_request copy_into(const table_name& table, const std::vector<std::string>& columns, copy_options options)
{
    if (columns.empty())
        throw argument_error("COPY needs the columns that the values are for");
    std::string list;
    for (const auto& column : columns) {
        list += list.empty() ? "" : ", ";
        list += quote_identifier(column);
    }
    const auto name = table.quoted();
    return {
        .copy = owned("COPY " + name + " (" + list + ") FROM STDIN (FORMAT binary)"),
        .columns = owned("SELECT " + list + " FROM " + name + " LIMIT 0"),
        .options = std::move(options)};
}

copy_request copy_of(const sql_text& query, copy_options options)
{
    // On lines of its own: the query may end with a comment.
    return {
        .copy = owned("COPY (\n" + std::string(query.text) + "\n) TO STDOUT (FORMAT binary)"),
        .columns = query,
        .options = std::move(options)};
}

asio::awaitable<void> no_wait()
{
    co_return;
}

asio::awaitable<std::uint64_t> finish_rows(std::shared_ptr<copy_in_core> to, std::uint64_t rows)
{
    const auto tag = co_await to->finish(rows);
    co_return tag.rows_affected();
}

copy_out_rows::copy_out_rows(std::shared_ptr<copy_out_core> from)
    : from_(std::move(from)), decoder_(std::make_unique<copy_row_decoder>())
{}

copy_out_rows::~copy_out_rows()
{
    from_->abandon();
}

asio::awaitable<result> copy_out_rows::next(std::shared_ptr<copy_out_rows> self)
{
    result rows;
    rows.describe(self->from_->columns());
    // A piece may hold no whole row.
    while (!self->ended_ && rows.empty()) {
        self->ended_ = true; // unless all goes well
        const auto data = co_await self->from_->read(self->count_);
        if (data.empty()) {
            self->decoder_->finish();
        }
        else {
            self->decoder_->feed(data, rows);
            self->count_ += rows.size();
            self->ended_ = false;
        }
    }
    co_return rows;
}

} // namespace tradecore::pg::detail
