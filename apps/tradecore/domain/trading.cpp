// SPDX-License-Identifier: Apache-2.0
#include "domain/trading.hpp"

#include <fmt/format.h>

namespace tradecore::app::domain {

namespace {

using both = order_and_account_events;

std::optional<rejection> wrong_in(const place_order& command)
{
    if (command.symbol.empty())
        return refuse("the symbol is empty");
    if (!command.quantity.is_positive())
        return refuse("the quantity must be positive, not " + command.quantity.text());
    if (command.type == order_type::limit && !command.limit_price)
        return refuse("a limit order needs a limit price");
    if (command.type == order_type::market && command.limit_price)
        return refuse("a market order takes no limit price");
    if (command.limit_price && !command.limit_price->is_positive())
        return refuse("the limit price must be positive, not " + command.limit_price->text());
    if (!command.bid.is_positive() || command.bid > command.ask)
        return refuse(fmt::format("bid {} and ask {} are no market", command.bid.text(), command.ask.text()));
    if (command.tick < 0)
        return refuse(fmt::format("the tick is {}", command.tick));
    return std::nullopt;
}

// What both streams must agree on before the broker's word is taken.
std::optional<rejection> wrong_about(const order_state& order, const account_state& account)
{
    if (order.status == order_status::none)
        return wrong_state("the order does not exist");
    if (order.is_finished())
        return invariant_violation("order is " + std::string{to_text(order.status)});
    if (order.account_id != account.id)
        return invariant_violation("order " + to_text(order.id) + " is not of account " + to_text(account.id));
    return std::nullopt;
}

std::optional<rejection> wrong_in(const record_fill& command, const order_state& order)
{
    if (!command.quantity.is_positive())
        return invariant_violation("a fill of quantity " + command.quantity.text());
    if (command.quantity > order.remaining())
        return invariant_violation(
            fmt::format("a fill of {} where {} remains", command.quantity.text(), order.remaining().text()));
    if (!command.price.is_positive())
        return invariant_violation("a fill at price " + command.price.text());
    const bool buys = order.side == side::buy;
    if (order.limit_price && (buys ? command.price > *order.limit_price : command.price < *order.limit_price))
        return invariant_violation(fmt::format(
            "a fill at {} of a {} limited to {}", command.price.text(), to_text(order.side),
            order.limit_price->text()));
    const money notional = notional_of(command.price, command.quantity);
    if (command.notional != notional)
        return invariant_violation(
            fmt::format("the fill's notional is {}, it should be {}", command.notional.text(), notional.text()));
    if (command.fee != fee_of(notional))
        return invariant_violation(
            fmt::format("the fill's fee is {}, it should be {}", command.fee.text(), fee_of(notional).text()));
    return std::nullopt;
}

// The reserve to be had, or the reason why there is none.
decision<std::vector<event>> try_reserve(const account_state& account, const place_order& command)
{
    return guarded([&]() -> decision<std::vector<event>> {
        reserve_for_order wanted{command.order_id, command.symbol, {}, {}, command.at};
        if (command.side == side::buy) {
            const money notional = notional_of(command.limit_price.value_or(command.ask), command.quantity);
            wanted.cash = notional + fee_of(notional);
            if (!wanted.cash.is_positive())
                return refuse("the order is worth nothing");
        }
        else {
            wanted.quantity = command.quantity;
        }
        return decide(account, wanted);
    });
}

// The account after `events`, for a second decision in the same command.
account_state after(account_state account, const std::vector<event>& events)
{
    for (const event& happened : events)
        account.apply(happened);
    return account;
}

void append_release(both& out, const account_state& account, const uuid& order, timestamp at)
{
    auto released = decide(account, release_reserve{order, at});
    for (event& happened : released.events())
        out.account.push_back(std::move(happened));
}

} // namespace

decision<both> decide(const order_state& order, const account_state& account, const place_order& command)
{
    if (order.status != order_status::none)
        return wrong_state("order " + to_text(order.id) + " exists");
    if (!account.exists || account.id != command.account_id)
        return refuse("account " + to_text(command.account_id) + " does not exist");
    if (account.user_id != command.user_id)
        return refuse("account " + to_text(account.id) + " is not of user " + to_text(command.user_id));
    if (auto wrong = wrong_in(command))
        return *std::move(wrong);

    order_placed placed{
        command.order_id,
        command.user_id,
        command.account_id,
        command.connection_id,
        command.symbol,
        command.side,
        command.type,
        command.quantity,
        command.limit_price,
        {},
        {},
        command.tick,
        command.bid,
        command.ask,
        command.at};
    auto reserved = try_reserve(account, command);
    if (!reserved)
        return both{{std::move(placed), order_rejected{command.order_id, reserved.why().reason, command.at}}, {}};
    const auto& set_aside = std::get<funds_reserved>(reserved.events().front());
    placed.reserved_cash = set_aside.cash;
    placed.reserved_quantity = set_aside.quantity;
    return both{{std::move(placed)}, std::move(reserved.events())};
}

decision<both> decide(const order_state& order, const account_state& account, const record_fill& command)
{
    return guarded([&]() -> decision<both> {
        if (auto wrong = wrong_about(order, account))
            return *std::move(wrong);
        if (auto wrong = wrong_in(command, order))
            return *std::move(wrong);

        auto settled = decide(
            account, settle_fill{
                         order.id, command.fill_id, order.side, order.symbol, command.price, command.quantity,
                         command.notional, command.fee, command.at});
        if (!settled)
            return settled.why();
        const quantity filled = order.filled + command.quantity;
        const quantity remaining = order.quantity - filled;
        const order_fill terms{order.id,      command.fill_id,  order.side,       order.symbol,
                               command.price, command.quantity, command.notional, command.fee,
                               filled,        remaining,        command.tick,     command.at};
        both out;
        if (remaining.is_zero())
            out.order.emplace_back(order_filled{terms});
        else
            out.order.emplace_back(order_partially_filled{terms});
        out.account = std::move(settled.events());
        if (remaining.is_zero())
            append_release(out, after(account, out.account), order.id, command.at);
        return out;
    });
}

decision<both> decide(const order_state& order, const account_state& account, const confirm_cancel& command)
{
    if (auto wrong = wrong_about(order, account))
        return *std::move(wrong);
    both out;
    out.order.emplace_back(order_cancelled{order.id, command.reason, order.filled, order.remaining(), command.at});
    append_release(out, account, order.id, command.at);
    return out;
}

} // namespace tradecore::app::domain
