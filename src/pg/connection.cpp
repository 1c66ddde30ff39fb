// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/bulk.hpp"
#include "pg/engine/connect.hpp"
#include "pg/engine/link.hpp"
#include "pg/engine/run_statement.hpp"

#include <tradecore/pg/connection.hpp>

#include <utility>

namespace tradecore::pg {

namespace asio = boost::asio;
using engine::link;

namespace {

asio::awaitable<std::unique_ptr<connection>> connect_link(asio::any_io_executor executor, connect_options options)
{
    const auto naming = options.prepared_statements;
    const auto most = options.statement_cache_size;
    const auto most_bytes = options.statement_cache_bytes;
    auto trace = options.trace;
    auto opened = co_await engine::connect(std::move(executor), std::move(options));
    opened->names_statements = naming == prepared_statements::named;
    opened->statements.limit(most, most_bytes);
    opened->trace = std::move(trace);
    co_return std::make_unique<connection>(std::move(opened));
}

} // namespace

asio::awaitable<std::unique_ptr<connection>>
connection::connect(asio::any_io_executor executor, connect_options options)
{
    return connect_link(std::move(executor), std::move(options));
}

connection::connection(std::shared_ptr<link> opened) : link_(std::move(opened)) {}

connection::~connection()
{
    close();
}

asio::awaitable<result> connection::run(statement what)
{
    return link_->trace ? engine::run_statement_traced(link_, std::move(what))
                        : engine::run_statement(link_, std::move(what));
}

asio::awaitable<result> connection::run_kept(const statement& what)
{
    return link_->trace ? engine::run_statement_traced(link_, what) : engine::run_kept_statement(link_, what);
}

asio::awaitable<batch_answers> connection::run_batch(batch what)
{
    return link_->trace ? engine::run_batch_traced(link_, std::move(what)) : engine::run_batch(link_, std::move(what));
}

asio::awaitable<std::uint64_t> connection::run_many(repeated_statement what)
{
    return link_->trace ? engine::run_many_traced(link_, std::move(what)) : engine::run_many(link_, std::move(what));
}

asio::awaitable<std::shared_ptr<detail::cursor_core>> connection::open_cursor(statement what, cursor_options how)
{
    return link_->trace ? engine::open_cursor_traced(link_, std::move(what), how)
                        : engine::open_cursor(link_, std::move(what), how);
}

asio::awaitable<std::shared_ptr<detail::copy_in_core>> connection::open_copy_in(detail::copy_request what)
{
    return link_->trace ? engine::open_copy_in_traced(link_, std::move(what))
                        : engine::open_copy_in(link_, std::move(what));
}

asio::awaitable<std::shared_ptr<detail::copy_out_core>> connection::open_copy_out(detail::copy_request what)
{
    return link_->trace ? engine::open_copy_out_traced(link_, std::move(what))
                        : engine::open_copy_out(link_, std::move(what));
}

asio::awaitable<listener> connection::listen(std::string channel, listen_options options)
{
    return engine::listen(link_, std::move(channel), options);
}

asio::awaitable<std::vector<result>> connection::run_script(sql_text text, call_options options)
{
    return link_->trace ? engine::run_script_traced(link_, std::move(text), options)
                        : engine::run_script(link_, std::move(text), options);
}

void connection::send_away(const std::exception_ptr& why)
{
    link_->send_away(why);
}

void connection::close() noexcept
{
    link_->terminate();
}

bool connection::is_open() const noexcept
{
    return link_->is_open();
}

std::size_t connection::in_flight() const noexcept
{
    return link_->in_flight();
}

bool connection::is_settling() const noexcept
{
    return link_->is_settling();
}

transaction_status connection::status() const noexcept
{
    return link_->status;
}

bool connection::is_altered() const noexcept
{
    return link_->changes.happened();
}

void connection::forget_alterations() noexcept
{
    link_->changes.forget();
}

const host_address& connection::host() const noexcept
{
    return link_->host;
}

std::int32_t connection::backend_pid() const noexcept
{
    return link_->key.pid;
}

void connection::ask_for_transaction_id(bool wanted) noexcept
{
    link_->transaction_id.wanted = wanted;
    link_->transaction_id.value.reset();
}

std::optional<std::uint64_t> connection::transaction_id() const noexcept
{
    return link_->transaction_id.value;
}

std::string_view connection::parameter(std::string_view name) const noexcept
{
    const auto found = link_->parameters.find(name);
    return found == link_->parameters.end() ? std::string_view() : std::string_view(found->second);
}

void connection::on_parameter(parameter_handler handler)
{
    link_->on_parameter = handler ? std::make_shared<const parameter_handler>(std::move(handler)) : nullptr;
}

void connection::on_notice(notice_handler handler)
{
    link_->on_notice = handler ? std::make_shared<const notice_handler>(std::move(handler)) : nullptr;
}

} // namespace tradecore::pg
