// SPDX-License-Identifier: Apache-2.0
#include "db/commenting_connection.hpp"

#include "db/call_span.hpp"

#include <tradecore/pg/error.hpp>
#include <tradecore/pg/trace_comment.hpp>

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;

namespace {

/// The server counts characters.
std::size_t count_characters(std::string_view utf8)
{
    return static_cast<std::size_t>(
        std::ranges::count_if(utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

/// Puts an error at the end of what was sent to the end of what the caller wrote.
/// @param label what the caller's statement is called in errors.
template <class T>
asio::awaitable<T> with_own_positions(asio::awaitable<T> work, sql_text text, std::string_view label)
{
    try {
        co_return co_await std::move(work);
    }
    catch (const pg::server_error& error) {
        const auto& said = error.diagnostics();
        const auto end = count_characters(text.text) + 1;
        std::size_t at = 0;
        std::from_chars(said.position.data(), said.position.data() + said.position.size(), at);
        if (at <= end)
            throw;
        auto corrected = said;
        corrected.position = std::to_string(end);
        pg::throw_server_error(std::move(corrected), label);
    }
}

std::string_view label_of(const pg::call_options& options, std::string_view otherwise)
{
    return options.name.empty() ? otherwise : options.name;
}

sql_text commented(const sql_text& sql, const observe::trace_context& trace)
{
    return pg::with_trace_comment(sql, observe::to_traceparent(trace));
}

// What is sent is the copy with the comment; a connection does not outlive its calls' beginnings.

asio::awaitable<pg::result> run(physical_connection& on, pg::statement what)
{
    if (const auto trace = trace_to_tell(co_await asio::this_coro::executor))
        what.sql = commented(what.sql, *trace);
    co_return co_await on.run(std::move(what));
}

asio::awaitable<pg::result> run_kept(physical_connection& on, const pg::statement& what)
{
    const auto trace = trace_to_tell(co_await asio::this_coro::executor);
    if (!trace)
        co_return co_await on.run_kept(what);
    auto sent = what;
    sent.sql = commented(what.sql, *trace);
    co_return co_await on.run(std::move(sent));
}

asio::awaitable<pg::batch_answers> run_batch(physical_connection& on, pg::batch what)
{
    if (const auto trace = trace_to_tell(co_await asio::this_coro::executor)) {
        const sql_text* before = nullptr; // of one entry for all that have the same text
        std::string_view written;
        for (std::size_t i = 0; i < what.size(); ++i) {
            const auto& sql = what.entries()[i].sql;
            const bool same =
                before != nullptr && sql.text.data() == written.data() && sql.text.size() == written.size();
            written = sql.text;
            what.put_text(i, same ? *before : commented(sql, *trace));
            before = &what.entries()[i].sql;
        }
    }
    co_return co_await on.run_batch(std::move(what));
}

asio::awaitable<std::uint64_t> run_many(physical_connection& on, pg::repeated_statement what)
{
    if (const auto trace = trace_to_tell(co_await asio::this_coro::executor))
        what.sql = commented(what.sql, *trace);
    co_return co_await on.run_many(std::move(what));
}

asio::awaitable<std::shared_ptr<pg::detail::cursor_core>>
open_cursor(physical_connection& on, pg::statement what, pg::cursor_options how)
{
    if (const auto trace = trace_to_tell(co_await asio::this_coro::executor))
        what.sql = commented(what.sql, *trace);
    co_return co_await on.open_cursor(std::move(what), how);
}

/// @param open `pg::session::open_copy_in` or `open_copy_out`.
template <class Core>
asio::awaitable<std::shared_ptr<Core>> open_copy(
    physical_connection& on, pg::detail::copy_request what,
    asio::awaitable<std::shared_ptr<Core>> (pg::session::*open)(pg::detail::copy_request))
{
    const auto trace = trace_to_tell(co_await asio::this_coro::executor);
    if (!trace)
        co_return co_await (on.*open)(std::move(what));
    const auto written = what.copy;
    const auto label = label_of(what.options.call, "COPY");
    what.copy = commented(written, *trace);
    co_return co_await with_own_positions((on.*open)(std::move(what)), written, label);
}

asio::awaitable<std::vector<pg::result>> run_script(physical_connection& on, sql_text text, pg::call_options options)
{
    const auto trace = trace_to_tell(co_await asio::this_coro::executor);
    if (!trace)
        co_return co_await on.run_script(std::move(text), options);
    auto sent = commented(text, *trace);
    co_return co_await with_own_positions(
        on.run_script(std::move(sent), options), std::move(text), label_of(options, "SCRIPT"));
}

class commenting_connection final : public physical_connection {
public:
    explicit commenting_connection(std::unique_ptr<physical_connection> inner) : inner_(std::move(inner)) {}

    asio::awaitable<pg::result> run(pg::statement what) override { return detail::run(*inner_, std::move(what)); }
    asio::awaitable<pg::result> run_kept(const pg::statement& what) override { return detail::run_kept(*inner_, what); }
    asio::awaitable<pg::batch_answers> run_batch(pg::batch what) override
    {
        return detail::run_batch(*inner_, std::move(what));
    }
    asio::awaitable<std::uint64_t> run_many(pg::repeated_statement what) override
    {
        return detail::run_many(*inner_, std::move(what));
    }
    asio::awaitable<std::shared_ptr<pg::detail::cursor_core>>
    open_cursor(pg::statement what, pg::cursor_options how) override
    {
        return detail::open_cursor(*inner_, std::move(what), how);
    }
    asio::awaitable<std::shared_ptr<pg::detail::copy_in_core>> open_copy_in(pg::detail::copy_request what) override
    {
        return open_copy(*inner_, std::move(what), &pg::session::open_copy_in);
    }
    asio::awaitable<std::shared_ptr<pg::detail::copy_out_core>> open_copy_out(pg::detail::copy_request what) override
    {
        return open_copy(*inner_, std::move(what), &pg::session::open_copy_out);
    }
    asio::awaitable<std::vector<pg::result>> run_script(sql_text text, pg::call_options options) override
    {
        return detail::run_script(*inner_, std::move(text), options);
    }

    asio::awaitable<pg::listener> listen(std::string channel, pg::listen_options options) override
    {
        return inner_->listen(std::move(channel), options);
    }
    void close() noexcept override { inner_->close(); }
    [[nodiscard]] bool is_open() const noexcept override { return inner_->is_open(); }
    [[nodiscard]] std::size_t in_flight() const noexcept override { return inner_->in_flight(); }
    [[nodiscard]] bool is_settling() const noexcept override { return inner_->is_settling(); }
    [[nodiscard]] pg::transaction_status status() const noexcept override { return inner_->status(); }
    [[nodiscard]] bool is_altered() const noexcept override { return inner_->is_altered(); }
    void forget_alterations() noexcept override { inner_->forget_alterations(); }
    [[nodiscard]] std::int32_t backend_pid() const noexcept override { return inner_->backend_pid(); }
    [[nodiscard]] const pg::host_address& host() const noexcept override { return inner_->host(); }
    [[nodiscard]] std::string_view parameter(std::string_view name) const noexcept override
    {
        return inner_->parameter(name);
    }
    [[nodiscard]] bool can_be_shared() const noexcept override { return inner_->can_be_shared(); }
    void send_away(const std::exception_ptr& why) override { inner_->send_away(why); }
    void ask_for_transaction_id(bool wanted) noexcept override { inner_->ask_for_transaction_id(wanted); }
    [[nodiscard]] std::optional<std::uint64_t> transaction_id() const noexcept override
    {
        return inner_->transaction_id();
    }
    [[nodiscard]] std::string_view incarnation() const noexcept override { return inner_->incarnation(); }

private:
    std::unique_ptr<physical_connection> inner_;
};

/// @param inner by value: what it has captured must live as long as what it makes.
asio::awaitable<std::unique_ptr<physical_connection>> connect(connector inner)
{
    co_return std::make_unique<commenting_connection>(co_await inner());
}

} // namespace

connector commenting(connector inner)
{
    return [inner = std::move(inner)] { return connect(inner); };
}

} // namespace tradecore::detail
