// SPDX-License-Identifier: Apache-2.0
#include "service/broker_system.hpp"

#include "broker/codec.hpp"
#include "broker/matching.hpp"
#include "service/decide.hpp"

#include <algorithm>
#include <iterator>

namespace tradecore::app::service {

namespace {

using broker::event;
using order_target = target<event, broker::order_state>;
using account_target = target<event, broker::account_state>;

auto on_account(auto command)
{
    return [command = std::move(command)](const broker::account_state& account) {
        return single<event>(broker::decide(account, command));
    };
}

void append_to(broker::order_and_account_events& all, broker::order_and_account_events more)
{
    std::ranges::move(more.order, std::back_inserter(all.order));
    std::ranges::move(more.account, std::back_inserter(all.account));
}

/// What: the decision to accept a market order and work it at once, as one.
domain::decision<broker::order_and_account_events> accept_and_work(
    broker::order_state order, broker::account_state account, const broker::accept_order& command,
    const broker::work_order& at_once)
{
    auto accepted = broker::decide(order, account, command);
    if (!accepted || command.type != domain::order_type::market)
        return accepted;
    for (const auto& happened : accepted.events().order)
        order.apply(happened);
    for (const auto& happened : accepted.events().account)
        account.apply(happened);
    auto worked = broker::decide(order, account, at_once);
    if (!worked)
        return worked;
    append_to(accepted.events(), std::move(worked.events()));
    return accepted;
}

} // namespace

broker_system::broker_system(
    events::event_store& store, const market::price_series& prices, domain::quantity max_fill, bool keep_states,
    patience with_outages)
    : store_(store), repeats_("commands of the broker", with_outages), prices_(prices), max_fill_(max_fill),
      accounts_("broker-account", &broker::decode, keep_states), orders_("broker-order", &broker::decode, keep_states),
      keep_states_(keep_states)
{}

broker::quote broker_system::quote_at(std::int64_t tick) const
{
    const auto& at = prices_.ticks.at(static_cast<std::size_t>(tick));
    return {.tick = tick, .bid = at.bid, .ask = at.ask, .at = at.time};
}

broker::work_order broker_system::work_at(std::int64_t tick, bool cancel) const
{
    return {.now = quote_at(tick), .max_fill = max_fill_, .cancel = cancel};
}

asio::awaitable<void> broker_system::tell(const answer& answered)
{
    ++commands_;
    if (answered.duplicate)
        ++repeated_;
    if (told_ && !answered.events.empty())
        co_await told_(answered.events);
}

asio::awaitable<answer> broker_system::tell_after(asio::awaitable<answer> running)
{
    const auto answered = co_await std::move(running);
    co_await tell(answered);
    co_return answered;
}

asio::awaitable<answer> broker_system::handle(uuid command_id, broker::open_broker_account command)
{
    const auto id = command.broker_account_id;
    return tell_after(run_command(
        repeats_, store_, command_id, &broker::encode, on_account(std::move(command)),
        account_target{accounts_, id, true}));
}

asio::awaitable<answer>
broker_system::handle(uuid command_id, uuid broker_account_id, broker::deposit_to_broker command)
{
    return tell_after(run_command(
        repeats_, store_, command_id, &broker::encode, on_account(command),
        account_target{accounts_, broker_account_id}));
}

asio::awaitable<answer> broker_system::handle(uuid command_id, broker::accept_order command)
{
    const auto order_id = command.broker_order_id;
    const auto account_id = command.broker_account_id;
    const auto at_once = work_at(command.placed_tick, false);
    auto decide = [command = std::move(command),
                   at_once](const broker::order_state& order, const broker::account_state& account) {
        return order_and_account<event>(accept_and_work(order, account, command, at_once));
    };
    auto running = run_command(
        repeats_, store_, command_id, &broker::encode, std::move(decide), order_target{orders_, order_id, true},
        account_target{accounts_, account_id});
    const auto answered = co_await std::move(running);
    note_open(account_id, order_id);
    co_await tell(answered);
    co_return answered;
}

asio::awaitable<answer>
broker_system::cancel(uuid command_id, uuid broker_order_id, uuid broker_account_id, std::int64_t tick)
{
    return tell_after(work(command_id, broker_order_id, broker_account_id, work_at(tick, true)));
}

asio::awaitable<answer>
broker_system::work(uuid command_id, uuid broker_order_id, uuid broker_account_id, broker::work_order command)
{
    auto decide = [command](const broker::order_state& order, const broker::account_state& account) {
        return order_and_account<event>(broker::decide(order, account, command));
    };
    return run_command(
        repeats_, store_, command_id, &broker::encode, std::move(decide), order_target{orders_, broker_order_id},
        account_target{accounts_, broker_account_id});
}

bool broker_system::is_due(const uuid& broker_account_id, std::int64_t tick) const
{
    const auto found = open_.find(broker_account_id);
    if (found == open_.end())
        return false;
    const auto now = quote_at(tick);
    return std::ranges::any_of(found->second, [&](const uuid& id) {
        const auto* order = orders_.find(id);
        return order == nullptr || broker::is_due(*order, now);
    });
}

asio::awaitable<void> broker_system::work_due(uuid broker_account_id, std::int64_t tick)
{
    const auto now = quote_at(tick);
    const auto open = open_[broker_account_id]; // a copy: what ends leaves the list
    for (const auto& id : open) {
        const auto* order = orders_.find(id);
        if (order != nullptr && !broker::is_due(*order, now))
            continue;
        const auto command_id = domain::uuid5(id, "tick/" + std::to_string(tick));
        co_await tell_after(work(command_id, id, broker_account_id, work_at(tick, false)));
    }
    std::erase_if(open_[broker_account_id], [&](const uuid& id) {
        const auto* order = orders_.find(id);
        const bool ended = order != nullptr && !order->is_open();
        if (ended)
            orders_.forget(id);
        return ended;
    });
}

asio::awaitable<uuid> broker_system::account_of(uuid broker_order_id)
{
    const auto load = [this, broker_order_id] { return orders_.load(store_, broker_order_id, false); };
    const auto loaded = co_await until_answered(repeats_, load);
    if (loaded.version == 0)
        throw std::runtime_error("the broker has no order " + domain::to_text(broker_order_id));
    co_return loaded.state.account_id;
}

void broker_system::note_open(const uuid& broker_account_id, const uuid& broker_order_id)
{
    if (!keep_states_)
        return;
    const auto* order = orders_.find(broker_order_id);
    if (order != nullptr && !order->is_open())
        return orders_.forget(broker_order_id);
    auto& open = open_[broker_account_id];
    if (std::ranges::find(open, broker_order_id) == open.end())
        open.push_back(broker_order_id);
}

} // namespace tradecore::app::service
