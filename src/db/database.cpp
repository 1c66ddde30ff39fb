// SPDX-License-Identifier: Apache-2.0
#include "db/database_core.hpp"
#include "db/home.hpp"
#include "db/read_core.hpp"
#include "db/several_threads.hpp"
#include "db/traced_calls.hpp"
#include "db/transaction_core.hpp"

#include <tradecore/db/database.hpp>

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace tradecore {
namespace asio = boost::asio;
using detail::database_core;
using detail::from_here;
using detail::traced_calls;

namespace {

std::shared_ptr<database_core>
make_core(const asio::any_io_executor& executor, database_options options, connector connect, time_source time)
{
    const auto where = detail::home_on(executor, options);
    if (options.used_by == threads::one)
        return std::make_shared<database_core>(where, std::move(options), std::move(connect), std::move(time));
    auto end = [at_home = detail::end_at_home{*where.target<detail::serial_executor>()},
                expected = std::make_shared<detail::several_threads>()](database_core* core) { at_home(core); };
    return {
        new database_core(where, std::move(options), std::move(connect), std::move(time)), // NOLINT(*-owning-memory)
        std::move(end)};
}

// The statement already owns everything it needs, so only the core has to come along.
asio::awaitable<pg::result> run_with(
    std::shared_ptr<database_core> core, pg::statement&& what, const pg::call_options& options,
    detail::own_policies retries)
{
    what.options = options;
    return traced_calls::run(std::move(core), std::move(what), std::move(retries));
}

} // namespace

asio::awaitable<pg::result> database_session::run(pg::statement what)
{
    return from_here(core_, run_with(core_, std::move(what), options_, retries_));
}

asio::awaitable<pg::batch_answers> database_session::run_batch(pg::batch what)
{
    what.options = options_;
    return from_here(core_, traced_calls::run_batch(core_, std::move(what), retries_));
}

asio::awaitable<std::uint64_t> database_session::run_many(pg::repeated_statement what)
{
    what.options = options_;
    return from_here(core_, traced_calls::run_many(core_, std::move(what), retries_));
}

asio::awaitable<std::shared_ptr<pg::detail::cursor_core>>
database_session::open_cursor(pg::statement what, pg::cursor_options how)
{
    what.options = options_;
    return from_here(core_, traced_calls::open_cursor(core_, std::move(what), how, retries_));
}

asio::awaitable<std::shared_ptr<pg::detail::copy_in_core>> database_session::open_copy_in(pg::detail::copy_request what)
{
    what.options.call = options_;
    return from_here(core_, traced_calls::open_copy_in(core_, std::move(what), retries_));
}

asio::awaitable<std::shared_ptr<pg::detail::copy_out_core>>
database_session::open_copy_out(pg::detail::copy_request what)
{
    what.options.call = options_;
    return from_here(core_, traced_calls::open_copy_out(core_, std::move(what), retries_));
}

database::database(std::string name)
{
    auto why = std::make_exception_ptr(database_closed("database '" + name + "' is not open"));
    core_ = std::make_shared<database_core>(std::move(name), std::move(why));
}

database::database(asio::any_io_executor executor, database_options options)
    : database(std::move(executor), std::move(options), connector())
{}

database::database(
    asio::any_io_executor executor, database_options options, connector connect, time_source time,
    connector to_standbys)
    : core_(make_core(executor, std::move(options), std::move(connect), time)),
      reads_(detail::read_core::make(core_, std::move(to_standbys), std::move(time)))
{}

database_session database::with(pg::call_options options, const resilience::retry_policies& retries) const
{
    retries.validate();
    return {core_, options, std::make_shared<const resilience::retry_policies>(retries)};
}

database database::disabled(std::string name, std::string reason)
{
    auto why = std::make_exception_ptr(database_disabled("database '" + name + "' is switched off: " + reason));
    return database(std::make_shared<database_core>(std::move(name), std::move(why)));
}

asio::awaitable<void> database::open()
{
    return from_here(core_, reads_ ? detail::read_core::open(reads_) : database_core::open(core_));
}

asio::awaitable<void> database::close(std::chrono::milliseconds limit)
{
    return from_here(core_, reads_ ? detail::read_core::close(reads_, limit) : database_core::close(core_, limit));
}

database database::standbys() const
{
    if (reads_)
        return database(reads_->standbys());
    return disabled(core_->options().name + "/standby", "database_options.standbys is not enabled");
}

read_statistics database::read_statistics() const noexcept
{
    return detail::read_at(*core_, [this] { return reads_ ? reads_->statistics() : tradecore::read_statistics(); });
}

asio::awaitable<pg::result> database::run(pg::statement what)
{
    return from_here(core_, traced_calls::run(core_, std::move(what)));
}

asio::awaitable<pg::batch_answers> database::run_batch(pg::batch what)
{
    return from_here(core_, traced_calls::run_batch(core_, std::move(what)));
}

asio::awaitable<std::uint64_t> database::run_many(pg::repeated_statement what)
{
    return from_here(core_, traced_calls::run_many(core_, std::move(what)));
}

asio::awaitable<std::shared_ptr<pg::detail::cursor_core>>
database::open_cursor(pg::statement what, pg::cursor_options how)
{
    return from_here(core_, traced_calls::open_cursor(core_, std::move(what), how));
}

asio::awaitable<std::shared_ptr<pg::detail::copy_in_core>> database::open_copy_in(pg::detail::copy_request what)
{
    return from_here(core_, traced_calls::open_copy_in(core_, std::move(what)));
}

asio::awaitable<std::shared_ptr<pg::detail::copy_out_core>> database::open_copy_out(pg::detail::copy_request what)
{
    return from_here(core_, traced_calls::open_copy_out(core_, std::move(what)));
}

asio::awaitable<pg::listener> database::listen(std::string channel, pg::listen_options options)
{
    return from_here(core_, database_core::listen(core_, std::move(channel), options));
}

asio::awaitable<std::vector<pg::result>> database::run_script(sql_text text, pg::call_options options)
{
    return from_here(core_, traced_calls::run_script(core_, std::move(text), options));
}

bool database::in_transaction(const asio::any_io_executor& executor) const
{
    const auto around = core_->scope_of(executor);
    return around && around->transaction;
}

asio::awaitable<database_health> database::health_check(std::chrono::milliseconds limit)
{
    return from_here(core_, database_core::health_check(core_, limit));
}

pool_stats database::pool_stats() const noexcept
{
    return detail::read_at(*core_, [this] {
        const auto* pool = core_->existing_pool();
        return pool == nullptr ? tradecore::pool_stats() : pool->stats();
    });
}

database_statistics database::statistics() const
{
    return detail::read_at(*core_, [this] {
        database_statistics counted;
        core_->monitor().table().report(counted);
        if (const auto* pool = core_->existing_pool())
            counted.pool = pool->statistics();
        counted.retries = core_->counted_retries();
        counted.breaker = core_->counted_by_breaker();
        return counted;
    });
}

std::optional<resilience::breaker_state> database::breaker_state() const noexcept
{
    return detail::read_at(*core_, [this] { return core_->breaker_state(); });
}

const std::string& database::name() const noexcept
{
    return core_->options().name;
}

bool database::is_open() const noexcept
{
    return detail::read_at(*core_, [this] {
        const auto* pool = core_->existing_pool();
        return pool != nullptr && pool->is_open();
    });
}

pool& database::pool() const
{
    if (const auto* const home = detail::home_of(*core_); home != nullptr && !home->runs_here()) [[unlikely]]
        throw std::logic_error(fmt::format(
            "the pool of database '{}', which several threads use, is for coroutines on its pool_executor()", name()));
    return core_->pool();
}

const asio::any_io_executor& database::pool_executor() const noexcept
{
    return core_->pool_executor();
}

} // namespace tradecore
