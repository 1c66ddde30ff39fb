// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/codec.hpp"
#include "broker/trading.hpp"
#include "domain/codec.hpp"
#include "domain/connection.hpp"
#include "domain/strategy.hpp"
#include "domain/trading.hpp"
#include "domain/user.hpp"

#include <boost/json/serialize.hpp>

#include <map>
#include <set>
#include <stdexcept>

/// The whole loop of one trader in memory: main system, broker and the answers between them, with vectors for stores.
namespace tradecore::app::testing {

struct order_record {
    domain::order_state main;
    broker::order_state at_broker;
};

struct settings {
    std::uint64_t seed = 1;
    std::uint32_t trader = 0;
    std::uint32_t orders = 100;
    domain::money cash = domain::default_cash;
    domain::quantity max_fill;
};

class loop {
public:
    loop(const settings& with, const market::price_series& prices)
        : with_(with), prices_(prices), plan_(with.seed, with.trader, with.orders, ticks())
    {
        const auto ids = domain::trader_ids::of(with.seed, with.trader);
        const auto at = prices.ticks.front().time;
        domain::user_state user;
        record(user, decide(user, domain::register_user{ids.user, "t@example.org", "T", "R", at}).events());
        record(account, decide(account, domain::open_account{ids.account, ids.user, "USD", at}).events());
        record(account, decide(account, domain::deposit{with.cash, at}).events());
        record(
            connection,
            decide(connection, domain::create_connection{ids.connection, ids.user, ids.account, "USD", at}).events());
        const auto broker_account = broker::broker_account_id_for(ids.connection);
        record(books, decide(books, broker::open_broker_account{broker_account, ids.connection, "USD", at}).events());
        record(books, decide(books, broker::deposit_to_broker{with.cash, at}).events());
        record(connection, decide(connection, domain::activate_connection{books.id, at}).events());
    }

    void run()
    {
        for (std::int64_t tick = 0; tick < ticks(); ++tick)
            walk(tick);
    }

    domain::account_state account;
    domain::connection_state connection;
    broker::account_state books;
    std::map<domain::uuid, order_record> orders;
    std::vector<domain::event> main_events;
    std::vector<broker::event> broker_events;
    std::size_t cancels_too_late = 0;

    /// Every event as it would be stored, in order.
    std::string transcript() const
    {
        std::string out;
        for (const auto& happened : main_events)
            append(out, domain::encode(happened));
        for (const auto& happened : broker_events)
            append(out, broker::encode(happened));
        return out;
    }

private:
    std::int64_t ticks() const { return static_cast<std::int64_t>(prices_.ticks.size()); }

    static void append(std::string& out, const domain::encoded_event& stored)
    {
        out += stored.type;
        out += boost::json::serialize(stored.data);
        out += '\n';
    }

    template <class State>
    void record(State& state, const std::vector<domain::event>& events)
    {
        for (const auto& happened : events) {
            state.apply(happened);
            main_events.push_back(happened);
        }
    }

    template <class State>
    void record(State& state, const std::vector<broker::event>& events)
    {
        for (const auto& happened : events) {
            state.apply(happened);
            broker_events.push_back(happened);
        }
    }

    template <class Decided>
    static const auto& must(const Decided& decided)
    {
        if (!decided)
            throw std::logic_error(decided.why().reason);
        return decided.events();
    }

    void place(const domain::planned_step& step, const market::tick& now)
    {
        const auto planned = plan_.order_for(step, now, {account.free, account.held(prices_.symbol).free});
        order_record& order = orders[planned.order_id];
        const auto decided = decide(
            order.main, account,
            domain::place_order{
                planned.order_id, account.user_id, account.id, connection.id, prices_.symbol, planned.side,
                planned.type, planned.quantity, planned.limit_price, step.tick, now.bid, now.ask, now.time});
        const auto& events = must(decided);
        record(order.main, events.order);
        record(account, events.account);
        const auto& placed = std::get<domain::order_placed>(events.order.front());
        if (!placed.is_backed())
            return;
        const auto accepted = decide(
            order.at_broker, books,
            broker::accept_order{
                broker::broker_order_id_for(placed.order_id), placed.order_id, books.id, placed.symbol, placed.side,
                placed.type, placed.quantity, placed.limit_price, placed.reserved_cash, placed.tick, now.time});
        record(order.at_broker, must(accepted).order);
        open_.insert(placed.order_id);
    }

    void answer(order_record& order, const broker::event& happened)
    {
        if (const auto* fill = std::get_if<broker::broker_order_filled>(&happened)) {
            const auto decided = decide(
                order.main, account,
                domain::record_fill{
                    fill->fill_id, fill->price, fill->quantity, fill->notional, fill->fee, fill->tick,
                    fill->occurred_at});
            record(order.main, must(decided).order);
            record(account, must(decided).account);
        }
        else if (const auto* cancelled = std::get_if<broker::broker_order_cancelled>(&happened)) {
            const auto decided =
                decide(order.main, account, domain::confirm_cancel{cancelled->reason, cancelled->occurred_at});
            record(order.main, must(decided).order);
            record(account, must(decided).account);
        }
    }

    void walk(std::int64_t tick)
    {
        const market::tick& now = prices_.ticks[static_cast<std::size_t>(tick)];
        for (const auto& step : plan_.steps_due(tick))
            place(step, now);
        std::set<domain::uuid> cancels;
        for (const auto& cancel : plan_.cancels_due(tick)) {
            order_record& order = orders.at(cancel.order_id);
            const auto decided = decide(order.main, domain::request_cancel{tick, now.time});
            if (!decided) {
                ++cancels_too_late;
                continue;
            }
            record(order.main, decided.events());
            cancels.insert(cancel.order_id);
        }
        for (auto open = open_.begin(); open != open_.end();) {
            order_record& order = orders.at(*open);
            const auto decided = decide(
                order.at_broker, books,
                broker::work_order{{tick, now.bid, now.ask, now.time}, with_.max_fill, cancels.contains(*open)});
            const auto& events = must(decided);
            record(order.at_broker, events.order);
            record(books, events.account);
            for (const auto& happened : events.order)
                answer(order, happened);
            open = order.at_broker.is_open() ? std::next(open) : open_.erase(open);
        }
    }

    settings with_;
    const market::price_series& prices_;
    domain::strategy plan_;
    std::set<domain::uuid> open_;
};

} // namespace tradecore::app::testing
