// SPDX-License-Identifier: Apache-2.0
#include "db/connect_afresh.hpp"
#include "db/incarnation.hpp"

#include <tradecore/db/physical_connection.hpp>
#include <tradecore/observe/log.hpp>
#include <tradecore/pg/error.hpp>

#include <string>
#include <utility>

namespace tradecore {
namespace asio = boost::asio;
namespace {

class real_connection final : public physical_connection {
public:
    real_connection(std::unique_ptr<pg::connection> connection, std::string incarnation)
        : connection_(std::move(connection)), incarnation_(std::move(incarnation))
    {}

    asio::awaitable<pg::result> run(pg::statement what) override { return connection_->run(std::move(what)); }
    asio::awaitable<pg::result> run_kept(const pg::statement& what) override { return connection_->run_kept(what); }
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
    [[nodiscard]] const pg::host_address& host() const noexcept override { return connection_->host(); }
    [[nodiscard]] std::string_view parameter(std::string_view name) const noexcept override
    {
        return connection_->parameter(name);
    }
    [[nodiscard]] bool can_be_shared() const noexcept override { return true; }
    void send_away(const std::exception_ptr& why) override { connection_->send_away(why); }
    void ask_for_transaction_id(bool wanted) noexcept override { connection_->ask_for_transaction_id(wanted); }
    [[nodiscard]] std::optional<std::uint64_t> transaction_id() const noexcept override
    {
        return connection_->transaction_id();
    }
    [[nodiscard]] std::string_view incarnation() const noexcept override { return incarnation_; }

private:
    std::unique_ptr<pg::connection> connection_;
    std::string incarnation_;
};

/// @returns nothing when the server, or what is before it, does not tell.
asio::awaitable<std::string> incarnation_of(pg::connection& on, std::chrono::milliseconds limit)
{
    pg::call_options options;
    if (limit.count() > 0)
        options.timeout = limit;
    try {
        const auto answers = co_await on.run_script({detail::question_of_incarnation, nullptr}, options);
        if (answers.size() == 1 && answers[0].size() == 1 && !answers[0].at(0, 0).is_null())
            co_return answers[0].at(0, 0).as<std::string>();
    }
    catch (const pg::server_error& refused) {
        observe::log(
            observe::level::debug, "lost COMMITs cannot be resolved: the server does not tell who it is",
            {{"error", refused.what()}});
    }
    co_return std::string();
}

asio::awaitable<std::unique_ptr<physical_connection>>
connect_real(asio::any_io_executor executor, pg::connect_options options, first_question first)
{
    const auto limit = options.connect_timeout;
    auto made = co_await detail::connect_afresh(std::move(executor), std::move(options));
    std::string incarnation;
    if (first == first_question::incarnation)
        incarnation = co_await incarnation_of(*made, limit);
    co_return std::make_unique<real_connection>(std::move(made), std::move(incarnation));
}

} // namespace

const pg::host_address& physical_connection::host() const noexcept
{
    static const pg::host_address not_known{};
    return not_known;
}

asio::awaitable<pg::listener> physical_connection::listen(std::string, pg::listen_options)
{
    throw pg::argument_error("this connection cannot listen");
    co_return pg::listener(); // makes it a coroutine
}

connector make_connector(asio::any_io_executor executor, pg::connect_options options, first_question first)
{
    return [executor = std::move(executor), options = std::move(options), first] {
        return connect_real(executor, options, first);
    };
}

} // namespace tradecore
