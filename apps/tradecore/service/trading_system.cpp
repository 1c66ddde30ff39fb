// SPDX-License-Identifier: Apache-2.0
#include "service/trading_system.hpp"

#include "domain/codec.hpp"
#include "service/decide.hpp"

#include <boost/asio/use_awaitable.hpp>

namespace tradecore::app::service {

namespace {

using domain::event;

auto on_one(auto command)
{
    return [command = std::move(command)](const auto& state) { return single<event>(domain::decide(state, command)); };
}

auto on_order_and_account(auto command)
{
    return [command = std::move(command)](const domain::order_state& order, const domain::account_state& account) {
        return order_and_account<event>(domain::decide(order, account, command));
    };
}

} // namespace

trading_system::trading_system(events::event_store& store, bool keep_states, patience with_outages)
    : store_(store), repeats_("commands of the main system", with_outages),
      users_("user", &domain::decode, keep_states), accounts_("account", &domain::decode, keep_states),
      connections_("connection", &domain::decode, keep_states), orders_("order", &domain::decode, keep_states)
{}

asio::awaitable<answer> trading_system::tell(asio::awaitable<answer> running)
{
    auto answered = co_await std::move(running);
    ++commands_;
    if (answered.duplicate)
        ++repeated_;
    if (told_ && !answered.events.empty())
        co_await told_(answered.events);
    co_return answered;
}

asio::awaitable<answer> trading_system::handle(uuid command_id, domain::register_user command)
{
    const auto id = command.user_id;
    return tell(run_command(
        repeats_, store_, command_id, &domain::encode, on_one(std::move(command)),
        target<event, domain::user_state>{users_, id, true}));
}

asio::awaitable<answer> trading_system::handle(uuid command_id, domain::open_account command)
{
    const auto id = command.account_id;
    return tell(run_command(
        repeats_, store_, command_id, &domain::encode, on_one(std::move(command)),
        target<event, domain::account_state>{accounts_, id, true}));
}

asio::awaitable<answer> trading_system::handle(uuid command_id, uuid account_id, domain::deposit command)
{
    return tell(run_command(
        repeats_, store_, command_id, &domain::encode, on_one(command),
        target<event, domain::account_state>{accounts_, account_id}));
}

asio::awaitable<answer> trading_system::handle(uuid command_id, domain::create_connection command)
{
    const auto id = command.connection_id;
    return tell(run_command(
        repeats_, store_, command_id, &domain::encode, on_one(command),
        target<event, domain::connection_state>{connections_, id, true}));
}

asio::awaitable<answer> trading_system::handle(uuid command_id, uuid connection_id, domain::activate_connection command)
{
    return tell(run_command(
        repeats_, store_, command_id, &domain::encode, on_one(command),
        target<event, domain::connection_state>{connections_, connection_id}));
}

asio::awaitable<answer> trading_system::handle(uuid command_id, domain::place_order command)
{
    const auto order = command.order_id;
    const auto account = command.account_id;
    return tell(run_command(
        repeats_, store_, command_id, &domain::encode, on_order_and_account(std::move(command)),
        target<event, domain::order_state>{orders_, order, true},
        target<event, domain::account_state>{accounts_, account}));
}

asio::awaitable<answer>
trading_system::handle(uuid command_id, uuid order_id, uuid account_id, domain::record_fill command)
{
    auto answered = co_await tell(run_command(
        repeats_, store_, command_id, &domain::encode, on_order_and_account(command),
        target<event, domain::order_state>{orders_, order_id},
        target<event, domain::account_state>{accounts_, account_id}));
    forget_finished(order_id);
    co_return answered;
}

asio::awaitable<answer> trading_system::handle(uuid command_id, uuid order_id, domain::request_cancel command)
{
    return tell(run_command(
        repeats_, store_, command_id, &domain::encode, on_one(command),
        target<event, domain::order_state>{orders_, order_id}));
}

asio::awaitable<answer>
trading_system::handle(uuid command_id, uuid order_id, uuid account_id, domain::confirm_cancel command)
{
    auto answered = co_await tell(run_command(
        repeats_, store_, command_id, &domain::encode, on_order_and_account(std::move(command)),
        target<event, domain::order_state>{orders_, order_id},
        target<event, domain::account_state>{accounts_, account_id}));
    forget_finished(order_id);
    co_return answered;
}

asio::awaitable<uuid> trading_system::account_of(uuid order_id)
{
    const auto load = [this, order_id] { return orders_.load(store_, order_id, false); };
    const auto loaded = co_await until_answered(repeats_, load);
    if (loaded.version == 0)
        throw std::runtime_error("there is no order " + domain::to_text(order_id));
    co_return loaded.state.account_id;
}

void trading_system::forget_finished(const uuid& order_id)
{
    if (const auto* order = orders_.find(order_id); order != nullptr && order->is_finished())
        orders_.forget(order_id);
}

} // namespace tradecore::app::service
