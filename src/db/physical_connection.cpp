// SPDX-License-Identifier: Apache-2.0
#include "db/connect_afresh.hpp"

#include <tradecore/db/physical_connection.hpp>
#include <tradecore/pg/error.hpp>

#include <utility>

namespace tradecore {
namespace asio = boost::asio;
namespace {

class real_connection final : public physical_connection {
public:
    explicit real_connection(std::unique_ptr<pg::connection> connection) : connection_(std::move(connection)) {}

    asio::awaitable<pg::result> run(pg::statement what) override { return connection_->run(std::move(what)); }
    asio::awaitable<pg::batch_answers> run_batch(pg::batch what) override
    {
        return connection_->run_batch(std::move(what));
    }
    asio::awaitable<std::uint64_t> run_many(pg::repeated_statement what) override
    {
        return connection_->run_many(std::move(what));
    }
    asio::awaitable<std::shared_ptr<pg::detail::cursor_core>>
    open_cursor(pg::statement what, pg::cursor_options how) override
    {
        return connection_->open_cursor(std::move(what), how);
    }
    asio::awaitable<std::shared_ptr<pg::detail::copy_in_core>> open_copy_in(pg::detail::copy_request what) override
    {
        return connection_->open_copy_in(std::move(what));
    }
    asio::awaitable<std::shared_ptr<pg::detail::copy_out_core>> open_copy_out(pg::detail::copy_request what) override
    {
        return connection_->open_copy_out(std::move(what));
    }
    asio::awaitable<pg::listener> listen(std::string channel, pg::listen_options options) override
    {
        return connection_->listen(std::move(channel), options);
    }
    asio::awaitable<std::vector<pg::result>> run_script(sql_text text, pg::call_options options) override
    {
        return connection_->run_script(std::move(text), options);
    }
    void close() noexcept override { connection_->close(); }
    [[nodiscard]] bool is_open() const noexcept override { return connection_->is_open(); }
    [[nodiscard]] std::size_t in_flight() const noexcept override { return connection_->in_flight(); }
    [[nodiscard]] bool is_settling() const noexcept override { return connection_->is_settling(); }
    [[nodiscard]] pg::transaction_status status() const noexcept override { return connection_->status(); }
    [[nodiscard]] bool is_altered() const noexcept override { return connection_->is_altered(); }
    void forget_alterations() noexcept override { connection_->forget_alterations(); }
    [[nodiscard]] std::int32_t backend_pid() const noexcept override { return connection_->backend_pid(); }
    [[nodiscard]] std::string_view parameter(std::string_view name) const noexcept override
    {
        return connection_->parameter(name);
    }

private:
    std::unique_ptr<pg::connection> connection_;
};

asio::awaitable<std::unique_ptr<physical_connection>>
connect_real(asio::any_io_executor executor, pg::connect_options options)
{
    co_return std::make_unique<real_connection>(
        co_await detail::connect_afresh(std::move(executor), std::move(options)));
}

} // namespace

asio::awaitable<pg::listener> physical_connection::listen(std::string, pg::listen_options)
{
    throw pg::argument_error("this connection cannot listen");
    co_return pg::listener(); // makes it a coroutine
}

connector make_connector(asio::any_io_executor executor, pg::connect_options options)
{
    return [executor = std::move(executor), options = std::move(options)] { return connect_real(executor, options); };
}

} // namespace tradecore
