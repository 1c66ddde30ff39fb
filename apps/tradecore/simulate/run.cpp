// SPDX-License-Identifier: Apache-2.0
#include "simulate/run.hpp"

#include "checks/digest.hpp"
#include "market/price_reader.hpp"
#include "market/sample.hpp"
#include "simulate/databases.hpp"
#include "simulate/progress.hpp"
#include "simulate/stall_watch.hpp"
#include "simulate/systems.hpp"
#include "simulate/trade.hpp"
#include "simulate/workers.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/observe/log.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <csignal>
#include <optional>
#include <utility>

namespace tradecore::app::simulate {

namespace asio = boost::asio;
using clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t sample_ticks = 10'000;
constexpr std::chrono::milliseconds look_for_end_every{10};

market::price_series load_prices(const options& wanted)
{
    if (wanted.prices)
        return market::read_prices(*wanted.prices, wanted.symbol);
    if (wanted.symbol && *wanted.symbol != market::sample_symbol)
        throw usage_error("--symbol needs --prices: the generated sample is " + std::string(market::sample_symbol));
    return market::make_sample(wanted.seed, sample_ticks);
}

/// What: what makes a run what it is. Connections are not among it: the result does not depend on them.
boost::json::object identity_of(const options& wanted, const market::price_series& prices, domain::quantity max_fill)
{
    return {
        {"prices", prices.digest},
        {"symbol", prices.symbol},
        {"traders", wanted.traders},
        {"orders", wanted.orders},
        {"seed", std::to_string(wanted.seed)},
        {"cash", wanted.cash.text()},
        {"max_fill", max_fill.text()}};
}

/// What: who is told of each order, wherever it was placed.
struct order_watch {
    progress shown;
    chaos::disturber* disturber;
    std::uint64_t placed = 0;

    void step()
    {
        ++placed;
        shown.step();
        if (disturber != nullptr)
            disturber->ordered();
    }
};

asio::awaitable<void>
trade_here(systems& on, const options& wanted, const market::price_series& prices, order_watch& orders)
{
    co_await trade(on, wanted, prices, {}, [&orders] { orders.step(); });
}

asio::awaitable<void> trade_in(workers& team, const databases& where, order_watch& orders)
{
    co_await team.run(where.worker_variables(), [&orders] { orders.step(); });
}

asio::awaitable<void> stop_after(asio::awaitable<void> work, stall_watch& watch)
{
    co_await std::move(work);
    watch.stop();
}

/// What: traders, and then what is left of the plan: relays and projections still run then.
asio::awaitable<void> until_plan_is_over(asio::awaitable<void> trading, const chaos::disturber* disturber)
{
    co_await std::move(trading);
    if (disturber == nullptr)
        co_return;
    asio::steady_timer pause(co_await asio::this_coro::executor);
    while (!disturber->is_over()) {
        pause.expires_after(look_for_end_every);
        co_await pause.async_wait(asio::use_awaitable);
    }
}

/// What: `work` while things go wrong; nothing goes wrong any more when it has ended.
asio::awaitable<void> under_fire(
    chaos::disturber& disturber, databases& where, std::function<std::uint64_t()> moved, asio::awaitable<void> work)
{
    stall_watch watch({.moved = std::move(moved), .check = [&disturber] { disturber.check(); }});
    disturber.begin();
    co_await when_all(stop_after(std::move(work), watch), watch.run());
    disturber.end();
    co_await where.settle();
}

/// What: lets the traders trade, in `team` if there is one, until all that follows from it is done.
/// Returns: what each process did.
asio::awaitable<std::vector<figures>>
trade_all(systems& on, workers* team, databases& where, const options& wanted, const market::price_series& prices)
{
    order_watch orders{.shown = progress(wanted.orders), .disturber = where.disturber()};
    auto trading = until_plan_is_over(
        team != nullptr ? trade_in(*team, where, orders) : trade_here(on, wanted, prices, orders), orders.disturber);
    auto work = where.keep_locked(
        on.run_beside(std::move(trading), team != nullptr ? systems::callers::elsewhere : systems::callers::here));
    if (auto* const disturber = where.disturber()) {
        const auto moved = [&on, &orders] { return on.moved() + orders.placed; };
        co_await under_fire(*disturber, where, moved, std::move(work));
    }
    else {
        co_await std::move(work);
    }
    if (team != nullptr)
        co_return team->made();
    co_return std::vector{on.traded()};
}

void tell(report& made, const std::vector<figures>& traded)
{
    figures all;
    for (const auto& one : traded) {
        made.commands_by_worker.push_back(one.commands);
        all.add(one);
    }
    made.commands = all.commands;
    made.repeated = all.repeated;
    made.sync = sync_figures::of(std::move(all.sync_waits), all.sync_pending, all.sync_rate.value());
}

/// What: what went wrong, and what it took to get over that. Params: `traded` are the processes that had traders; what
///   is done here for them is counted in `here`, too, when they are `others`.
chaos_report chaos_of(
    chaos::deeds done, const std::vector<figures>& traded, const systems& here, const databases& where,
    lost_commits::counts commits, bool others)
{
    figures all{.repeated_by_databases = where.repeated(), .lost_commits = commits};
    if (others)
        all.outlasted = here.outlasted();
    for (const auto& one : traded)
        all.add(one);
    return {
        .done = std::move(done),
        .outlasted = all.outlasted,
        .repeated_by_databases = all.repeated_by_databases,
        .lost_commits = all.lost_commits};
}

asio::awaitable<order_counts> count_orders(database& main)
{
    const auto row =
        (co_await main.fetchrow<std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t>>(
             "SELECT count(*), count(*) FILTER (WHERE status = 'filled'),"
             " count(*) FILTER (WHERE status = 'cancelled'), count(*) FILTER (WHERE status = 'rejected'),"
             " count(*) FILTER (WHERE status = 'open') FROM orders"))
            .value();
    const auto [placed, filled, cancelled, rejected, open] = row;
    co_return order_counts{placed, filled, cancelled, rejected, open};
}

asio::awaitable<std::vector<trader_result>> rank_traders(database& main, bool best)
{
    constexpr int shown = 3;
    const auto rows = co_await main.fetch<std::tuple<std::string, std::string, std::string>>(
        "SELECT u.email, p.total_value::text, (p.total_value - p.deposited)::text"
        " FROM portfolios p JOIN accounts a ON a.id = p.account_id JOIN users u ON u.id = a.user_id"
        " ORDER BY CASE WHEN $1 THEN p.deposited - p.total_value ELSE p.total_value - p.deposited END, u.email LIMIT "
        "$2",
        best, shown);
    std::vector<trader_result> traders;
    for (const auto& [email, value, profit] : rows)
        traders.push_back({email, domain::money::parse(value), domain::money::parse(profit)});
    co_return traders;
}

asio::awaitable<report> simulate(
    databases& where, workers* team, const options& wanted, const market::price_series& prices,
    domain::quantity max_fill)
{
    const bool resumed = co_await where.open(identity_of(wanted, prices, max_fill));
    if (resumed)
        observe::log(observe::level::info, "an earlier run of the same parameters goes on");

    report made;
    made.symbol = prices.symbol;
    made.prices = prices.ticks.size();
    made.traders = wanted.traders;
    const lost_commits commits;
    systems both(where.main(), where.vb(), prices, max_fill, wanted.with_outages());
    const auto began = clock::now();
    const auto traded = co_await trade_all(both, team, where, wanted, prices);
    made.took = clock::now() - began;
    tell(made, traded);
    if (const auto* const disturber = where.disturber())
        made.chaos = chaos_of(disturber->done(), traded, both, where, commits.seen(), team != nullptr);

    made.redelivered = both.redelivered();
    made.events = co_await where.main().fetchval<std::int64_t>("SELECT count(*) FROM es.events") +
                  co_await where.vb().fetchval<std::int64_t>("SELECT count(*) FROM es.events");
    made.orders = co_await count_orders(where.main());
    made.best = co_await rank_traders(where.main(), true);
    made.worst = co_await rank_traders(where.main(), false);
    made.digest = co_await checks::digest(where.main(), where.vb());

    const auto checking = clock::now();
    made.checks = co_await checks::run_checks(
        {.main = where.main(),
         .vb = where.vb(),
         .main_store = both.main_store(),
         .vb_store = both.vb_store(),
         .main_options = where.main_options(),
         .vb_options = where.vb_options(),
         .main_source = "main",
         .vb_source = "vb"});
    made.checks_took = clock::now() - checking;
    co_await where.close();
    co_return made;
}

} // namespace

report run(const options& asked, const environment& from)
{
    options wanted = asked;
    wanted.workers = std::min(asked.workers, asked.traders); // one without traders would have nothing to do
    const auto prices = load_prices(wanted);
    const auto max_fill = wanted.max_fill.value_or(domain::default_max_fill(wanted.cash, prices.ticks.front().ask));
    databases where(wanted, from);
    std::optional<workers> team; // ends before the server does
    if (wanted.workers > 1)
        team.emplace(wanted, prices, max_fill, from);
    where.start_server();

    asio::io_context loop(1);
    asio::cancellation_signal stop;
    int caught = 0;
    asio::signal_set signals(loop, SIGINT, SIGTERM);
    signals.async_wait([&](const boost::system::error_code& error, int signal) {
        if (error)
            return;
        caught = signal;
        signals.clear(); // a second one ends the program at once
        stop.emit(asio::cancellation_type::terminal);
    });
    std::exception_ptr failure;
    std::optional<report> made;
    asio::co_spawn(
        loop, simulate(where, team ? &*team : nullptr, wanted, prices, max_fill),
        asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr thrown, report done) {
            failure = std::move(thrown);
            made.emplace(std::move(done));
            loop.stop();
        }));
    loop.run();
    if (caught != 0 && failure)
        throw interrupted(caught);
    if (failure)
        std::rethrow_exception(failure);
    return *std::move(made);
}

} // namespace tradecore::app::simulate
