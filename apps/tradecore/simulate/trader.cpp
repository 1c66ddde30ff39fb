// SPDX-License-Identifier: Apache-2.0
#include "simulate/trader.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <stdexcept>

namespace tradecore::app::simulate {

namespace asio = boost::asio;

namespace {

constexpr std::string_view currency = "USD";
// A walk over quiet prices must not keep the others from their turn.
constexpr std::int64_t ticks_per_turn = 2'000;

void require(const service::answer& answered, std::string_view what)
{
    if (!answered.accepted())
        throw std::runtime_error(fmt::format("{} was rejected: {}", what, answered.rejection->reason));
}

} // namespace

trader::trader(parts with, profile who)
    : with_(std::move(with)), who_(who), ids_(domain::trader_ids::of(who.seed, who.index)),
      broker_account_(broker::broker_account_id_for(ids_.account)),
      strategy_(who.seed, who.index, who.orders, static_cast<std::int64_t>(with_.prices.ticks.size()))
{}

const market::tick& trader::at(std::int64_t tick) const
{
    return with_.prices.ticks[static_cast<std::size_t>(tick)];
}

domain::uuid trader::command(std::string_view what) const
{
    return domain::trader_id(who_.seed, who_.index, fmt::format("command/{}", what));
}

asio::awaitable<void> trader::open_account()
{
    const auto now = at(0).time;
    require(
        co_await with_.trading.handle(
            command("register"),
            domain::register_user{
                .user_id = ids_.user,
                .email = fmt::format("trader-{}-{}@example.com", who_.seed, who_.index),
                .first_name = "Trader",
                .last_name = std::to_string(who_.index),
                .at = now}),
        "registering a user");
    require(
        co_await with_.trading.handle(
            command("open-account"),
            domain::open_account{
                .account_id = ids_.account, .user_id = ids_.user, .currency = std::string(currency), .at = now}),
        "opening an account");
    require(
        co_await with_.trading.handle(
            command("connect"),
            domain::create_connection{
                .connection_id = ids_.connection,
                .user_id = ids_.user,
                .account_id = ids_.account,
                .currency = std::string(currency),
                .at = now}),
        "connecting to the broker");
    require(
        co_await with_.trading.handle(
            command("deposit"), ids_.account, domain::deposit{.amount = who_.cash, .at = now}),
        "a deposit");
}

domain::account_view trader::view() const
{
    const auto* account = with_.trading.account(ids_.account);
    if (account == nullptr)
        throw std::logic_error("the account's state is not kept");
    return {.free_cash = account->free, .free_quantity = account->held(with_.prices.symbol).free};
}

asio::awaitable<void> trader::place(domain::planned_step step, std::int64_t tick)
{
    const auto& now = at(tick);
    auto planned = strategy_.order_for(step, now, view());
    require(
        co_await with_.trading.handle(
            planned.command_id,
            domain::place_order{
                .order_id = planned.order_id,
                .user_id = ids_.user,
                .account_id = ids_.account,
                .connection_id = ids_.connection,
                .symbol = with_.prices.symbol,
                .side = planned.side,
                .type = planned.type,
                .quantity = planned.quantity,
                .limit_price = planned.limit_price,
                .tick = tick,
                .bid = now.bid,
                .ask = now.ask,
                .at = now.time}),
        "an order");
    if (with_.on_order)
        with_.on_order();
}

asio::awaitable<void> trader::cancel(domain::planned_cancel planned)
{
    const auto* order = with_.trading.order(planned.order_id);
    if (order == nullptr || order->status != domain::order_status::open)
        co_return; // filled or rejected meanwhile: there is nothing to cancel
    require(
        co_await with_.trading.handle(
            planned.command_id, planned.order_id,
            domain::request_cancel{.tick = planned.tick, .at = at(planned.tick).time}),
        "a cancel");
}

asio::awaitable<void> trader::run()
{
    co_await open_account();
    const auto ticks = static_cast<std::int64_t>(with_.prices.ticks.size());
    for (std::int64_t tick = 0; tick < ticks; ++tick) {
        if (with_.broker.is_due(broker_account_, tick))
            co_await with_.broker.work_due(broker_account_, tick);
        for (const auto& step : strategy_.steps_due(tick))
            co_await place(step, tick);
        for (const auto& planned : strategy_.cancels_due(tick))
            co_await cancel(planned);
        if (tick % ticks_per_turn == ticks_per_turn - 1)
            co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    }
}

} // namespace tradecore::app::simulate
