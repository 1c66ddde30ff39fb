// SPDX-License-Identifier: Apache-2.0
#include "db/traced_calls.hpp"

#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;

namespace {

std::string_view outcome_of(commit_fate fate) noexcept
{
    switch (fate) {
    case commit_fate::committed:
        return "committed";
    case commit_fate::rolled_back:
        return "rolled back";
    case commit_fate::unknown:
        break;
    }
    return "unknown";
}

asio::awaitable<commit_finding>
traced_resolution(std::shared_ptr<database_core> core, asio::awaitable<commit_finding> work)
{
    call_span span(core->options(), co_await asio::this_coro::executor, span_of_call::internal("resolve COMMIT"));
    const auto out = std::make_shared<result_slot<commit_finding>>();
    co_await asio::co_spawn(span.inside(), store_result(std::move(work), out), asio::use_awaitable);
    auto found = out->take();
    span.end(nullptr, observe::field("tradecore.commit", outcome_of(found.fate)));
    co_return found;
}

bool is_traced(const std::shared_ptr<database_core>& core) noexcept
{
    return core->options().tracer != nullptr;
}

} // namespace

asio::awaitable<void> let_cancel(asio::awaitable<void> work)
{
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    co_await std::move(work);
}

asio::awaitable<pg::result>
traced_calls::run(std::shared_ptr<database_core> core, pg::statement&& what, own_policies retries)
{
    if (!is_traced(core)) [[likely]]
        return database_core::run(std::move(core), std::move(what), std::move(retries));
    auto about = span_of_call::of(what);
    return traced(core, std::move(about), database_core::run(core, std::move(what), std::move(retries)));
}

asio::awaitable<pg::batch_answers>
traced_calls::run_batch(std::shared_ptr<database_core> core, pg::batch what, own_policies retries)
{
    if (!is_traced(core)) [[likely]]
        return database_core::run_batch(std::move(core), std::move(what), std::move(retries));
    auto about = span_of_call::of(what);
    return traced(core, std::move(about), database_core::run_batch(core, std::move(what), std::move(retries)));
}

asio::awaitable<std::uint64_t>
traced_calls::run_many(std::shared_ptr<database_core> core, pg::repeated_statement what, own_policies retries)
{
    if (!is_traced(core)) [[likely]]
        return database_core::run_many(std::move(core), std::move(what), std::move(retries));
    auto about = span_of_call::of(what.sql, what.options, "BATCH");
    about.shows_sql = true; // its values are the rows
    return traced(core, std::move(about), database_core::run_many(core, std::move(what), std::move(retries)));
}

asio::awaitable<std::shared_ptr<pg::detail::cursor_core>> traced_calls::open_cursor(
    std::shared_ptr<database_core> core, pg::statement what, pg::cursor_options how, own_policies retries)
{
    if (!is_traced(core)) [[likely]]
        return database_core::open_cursor(std::move(core), std::move(what), how, std::move(retries));
    auto about = span_of_call::of(what);
    return traced(core, std::move(about), database_core::open_cursor(core, std::move(what), how, std::move(retries)));
}

asio::awaitable<std::shared_ptr<pg::detail::copy_in_core>>
traced_calls::open_copy_in(std::shared_ptr<database_core> core, pg::detail::copy_request what, own_policies retries)
{
    if (!is_traced(core)) [[likely]]
        return database_core::open_copy_in(std::move(core), std::move(what), std::move(retries));
    auto about = span_of_call::of(what.copy, what.options.call, "COPY");
    return traced(core, std::move(about), database_core::open_copy_in(core, std::move(what), std::move(retries)));
}

asio::awaitable<std::shared_ptr<pg::detail::copy_out_core>>
traced_calls::open_copy_out(std::shared_ptr<database_core> core, pg::detail::copy_request what, own_policies retries)
{
    if (!is_traced(core)) [[likely]]
        return database_core::open_copy_out(std::move(core), std::move(what), std::move(retries));
    auto about = span_of_call::of(what.copy, what.options.call, "COPY");
    return traced(core, std::move(about), database_core::open_copy_out(core, std::move(what), std::move(retries)));
}

asio::awaitable<std::vector<pg::result>>
traced_calls::run_script(std::shared_ptr<database_core> core, sql_text text, pg::call_options options)
{
    if (!is_traced(core)) [[likely]]
        return database_core::run_script(std::move(core), std::move(text), options);
    auto about = span_of_call::of(text, options, "SCRIPT");
    return traced(core, std::move(about), database_core::run_script(core, std::move(text), options));
}

asio::awaitable<void>
traced_calls::transaction(std::shared_ptr<database_core> core, std::string_view name, asio::awaitable<void> work)
{
    if (!is_traced(core)) [[likely]]
        return work;
    auto about = span_of_call::internal(name.empty() ? "transaction" : name);
    return traced(std::move(core), std::move(about), std::move(work));
}

asio::awaitable<lease> traced_calls::acquire(std::shared_ptr<database_core> core, asio::awaitable<lease> work)
{
    if (!is_traced(core)) [[likely]]
        return work;
    return traced(std::move(core), span_of_call::internal("acquire connection"), std::move(work));
}

asio::awaitable<commit_finding>
traced_calls::resolution(std::shared_ptr<database_core> core, asio::awaitable<commit_finding> work)
{
    if (!is_traced(core)) [[likely]]
        return work;
    return traced_resolution(std::move(core), std::move(work));
}

} // namespace tradecore::detail
