// SPDX-License-Identifier: Apache-2.0
#include "two_systems.hpp"

#include <gmock/gmock.h>

namespace tradecore::app::testing {
namespace {

using readmodel::system;
using ::testing::HasSubstr;

enum class checked { streams, orders, money, broker_fills };

/// Something done to a database, the check that must notice, and what it must say.
struct corruption {
    const char* name;
    checked by;
    system where;
    const char* sql;
    std::vector<std::string> says;
};

void PrintTo(const corruption& what, std::ostream* to)
{
    *to << what.name;
}

class event_corruption : public ::testing::TestWithParam<corruption> {};

checks::check_result check(const std::string& main, const std::string& vb, checked by, system which)
{
    checks::check_result out;
    with_systems(main, vb, [&](systems& here) -> asio::awaitable<void> {
        database& where = which == system::main ? here.main : here.vb;
        switch (by) {
        case checked::streams:
            out = co_await checks::check_streams(where, which);
            break;
        case checked::orders:
            out = co_await checks::check_orders(where, which);
            break;
        case checked::money:
            out = co_await checks::check_money(where, which);
            break;
        case checked::broker_fills:
            out = co_await checks::check_broker_fills(here.main, here.vb);
            break;
        }
    });
    return out;
}

TEST_P(event_corruption, is_found)
{
    const auto& param = GetParam();
    const auto& healthy = finished_run::get().systems_;
    const copied_database main(healthy.main.name());
    const copied_database vb(healthy.vb.name());

    const auto before = check(main.dsn(), vb.dsn(), param.by, param.where);
    EXPECT_TRUE(before.ok) << before.detail;

    (param.where == system::main ? main : vb).run(param.sql);
    const auto after = check(main.dsn(), vb.dsn(), param.by, param.where);
    EXPECT_EQ(after.name, before.name);
    EXPECT_FALSE(after.ok) << after.detail;
    for (const auto& words : param.says)
        EXPECT_THAT(after.detail, HasSubstr(words));
}

// One leg of one fill: its amount becomes another.
#define CHANGE_LEG(type, leg, change)                                                                                  \
    "UPDATE es.events SET data = jsonb_set(data, '{legs," leg ",amount}', to_jsonb(((data#>>'{legs," leg               \
    ",amount}')::numeric + " change                                                                                    \
    ")::text)) WHERE position = (SELECT min(position) FROM es.events WHERE type = '" type "')"

INSTANTIATE_TEST_SUITE_P(
    streams, event_corruption,
    ::testing::Values(
        corruption{
            "hole",
            checked::streams,
            system::main,
            "DELETE FROM es.events WHERE version = 3 AND stream_id LIKE 'account-%'",
            {"account-", "version 3 is missing", "(2 streams are wrong)"}},
        corruption{
            "first_is_gone",
            checked::streams,
            system::vb,
            "DELETE FROM es.events WHERE version = 1 AND stream_id LIKE 'broker_account-%'",
            {"version 1 is missing"}},
        corruption{
            "last_is_gone",
            checked::streams,
            system::main,
            "DELETE FROM es.events e USING es.streams s WHERE s.stream_id = e.stream_id AND s.version = "
            "e.version AND e.stream_id LIKE 'connection-%'",
            {"connection-", "es.streams says version 2, the last event has 1"}},
        corruption{
            "version_runs_ahead",
            checked::streams,
            system::main,
            "UPDATE es.streams SET version = version + 1 WHERE stream_id LIKE 'user-%'",
            {"user-", "es.streams says version 2, the last event has 1"}},
        corruption{
            "stream_without_events",
            checked::streams,
            system::main,
            "INSERT INTO es.streams VALUES ('a ghost', 'ghost', 1)",
            {"a ghost: ", "there are no events"}},
        corruption{
            "events_without_stream",
            checked::streams,
            system::vb,
            "DELETE FROM es.streams WHERE stream_id LIKE 'broker_account-%'",
            {"es.streams does not have it"}},
        corruption{
            "positions_fall",
            checked::streams,
            system::main,
            "UPDATE es.events SET position = position + 1000000 WHERE version = 1 AND stream_id LIKE 'account-%'",
            {"account-", "version 2 has no greater position than the one before"}},
        corruption{
            "position_twice",
            checked::streams,
            system::main,
            "ALTER TABLE es.events DROP CONSTRAINT events_pkey; UPDATE es.events SET position = 1 WHERE version "
            "= 1 AND stream_id LIKE 'user-%'",
            {"position 1 is used "}}),
    [](const auto& tested) { return std::string{tested.param.name}; });

INSTANTIATE_TEST_SUITE_P(
    orders, event_corruption,
    ::testing::Values(
        corruption{
            "row_vanished",
            checked::orders,
            system::main,
            "DELETE FROM orders WHERE id = (SELECT max(id::text)::uuid FROM orders WHERE status = 'filled')",
            {"events: 82 placed", "rows: 81 placed"}},
        corruption{
            "row_in_another_state",
            checked::orders,
            system::main,
            "UPDATE orders SET status = 'cancelled' WHERE status = 'rejected'",
            {"6 rejected", "0 rejected"}},
        corruption{
            "ended_twice",
            checked::orders,
            system::main,
            "INSERT INTO es.events SELECT position + 1000000, stream_id, version + 1, gen_random_uuid(), "
            "'OrderCancelled', schema_ver, data, meta, recorded_at FROM es.events WHERE type = 'OrderFilled' "
            "LIMIT 1",
            {"order ", "filled 1, cancelled 1"}},
        corruption{
            "never_placed",
            checked::orders,
            system::main,
            "DELETE FROM es.events WHERE position = (SELECT min(p.position) FROM es.events p JOIN es.events f ON "
            "f.stream_id = p.stream_id AND f.type = 'OrderFilled' WHERE p.type = 'OrderPlaced')",
            {"was placed 0 times"}},
        corruption{
            "broker_order_ended_twice",
            checked::orders,
            system::vb,
            "UPDATE es.events SET type = 'BrokerOrderCancelled' WHERE position = (SELECT min(position) FROM "
            "es.events WHERE type = 'BrokerOrderFilled' AND data->>'remaining' <> '0')",
            {"cancelled 1"}},
        corruption{
            "broker_row",
            checked::orders,
            system::vb,
            "UPDATE vb_orders SET status = 'open', closed_at = NULL WHERE status = 'filled'",
            {"; rows: ", " 0 filled"}}),
    [](const auto& tested) { return std::string{tested.param.name}; });

INSTANTIATE_TEST_SUITE_P(
    money, event_corruption,
    ::testing::Values(
        corruption{
            "leg_off_by_the_smallest_unit",
            checked::money,
            system::main,
            CHANGE_LEG("FillSettled", "0", "0.00000001"),
            {"fill ", "the legs in USD sum to 0.00000001"}},
        corruption{
            "quantity_leg",
            checked::money,
            system::main,
            CHANGE_LEG("FillSettled", "3", "-0.00000001"),
            {"the legs in SAMPLE-PERP sum to -0.00000001"}},
        // Balanced legs, but the house pays what nobody got.
        corruption{
            "house_pays",
            checked::money,
            system::main,
            CHANGE_LEG("FillSettled", "0", "0.00000001") "; " CHANGE_LEG("FillSettled", "1", "-0.00000001"),
            {"USD: traders ", "deposits are 200000"}},
        corruption{
            "no_legs",
            checked::money,
            system::main,
            "UPDATE es.events SET data = data - 'legs' WHERE position = (SELECT min(position) FROM es.events "
            "WHERE type = 'FillSettled')",
            {" has no legs"}},
        corruption{
            "cash_from_nowhere",
            checked::money,
            system::main,
            "UPDATE accounts SET cash_free = cash_free + 0.00000001 WHERE id = (SELECT max(id::text)::uuid FROM "
            "accounts)",
            {"USD: traders ", " is 200000.00000001, deposits are 200000"}},
        corruption{
            "reserve_from_nowhere",
            checked::money,
            system::main,
            "UPDATE accounts SET cash_reserved = cash_reserved + 5",
            {" is 200010, deposits are 200000"}},
        corruption{
            "deposit_changed",
            checked::money,
            system::main,
            "UPDATE es.events SET data = data || '{\"amount\": \"1\"}' WHERE type = 'FundsDeposited'",
            {" is 200000, deposits are 2"}},
        corruption{
            "quantity_from_nowhere",
            checked::money,
            system::main,
            "UPDATE positions SET quantity = quantity + 0.5",
            {"SAMPLE-PERP: traders ", "deposits are 0"}},
        corruption{
            "broker_leg",
            checked::money,
            system::vb,
            CHANGE_LEG("BrokerFillBooked", "2", "0.00000001"),
            {"the legs in USD sum to 0.00000001"}},
        corruption{
            "broker_order_leg",
            checked::money,
            system::vb,
            CHANGE_LEG("BrokerOrderFilled", "4", "0.00000001"),
            {"the legs in SAMPLE-PERP sum to 0.00000001"}},
        corruption{
            "broker_cash",
            checked::money,
            system::vb,
            "UPDATE vb_accounts SET cash = cash + 1",
            {" is 200002, deposits are 200000"}},
        corruption{
            "broker_holdings",
            checked::money,
            system::vb,
            "UPDATE vb_accounts SET holdings = jsonb_build_object('SAMPLE-PERP', '123456')",
            {"SAMPLE-PERP: traders 246912"}}),
    [](const auto& tested) { return std::string{tested.param.name}; });

INSTANTIATE_TEST_SUITE_P(
    broker_fills, event_corruption,
    ::testing::Values(
        corruption{
            "price",
            checked::broker_fills,
            system::main,
            "UPDATE es.events SET data = data || '{\"price\": \"1\"}' WHERE position = (SELECT min(position) "
            "FROM es.events WHERE type = 'OrderFilled')",
            {"fill ", "main system: order ", "price 1 ", "; broker: order "}},
        corruption{
            "fee",
            checked::broker_fills,
            system::vb,
            "UPDATE es.events SET data = data || '{\"fee\": \"0.00000001\"}' WHERE position = (SELECT "
            "min(position) FROM es.events WHERE type = 'BrokerOrderFilled')",
            {"fill ", "fee 0.00000001 "}},
        corruption{
            "tick",
            checked::broker_fills,
            system::main,
            "UPDATE es.events SET data = data || '{\"tick\": 77777}' WHERE position = (SELECT min(position) "
            "FROM es.events WHERE type = 'OrderPartiallyFilled')",
            {"tick 77777 "}},
        corruption{
            "lost_on_the_way",
            checked::broker_fills,
            system::main,
            "DELETE FROM es.events WHERE position = (SELECT min(position) FROM es.events WHERE type = "
            "'OrderFilled')",
            {" is at the broker only: order "}},
        corruption{
            "invented",
            checked::broker_fills,
            system::vb,
            "DELETE FROM es.events WHERE position = (SELECT max(position) FROM es.events WHERE type = "
            "'BrokerOrderFilled')",
            {" is in the main system only: order "}}),
    [](const auto& tested) { return std::string{tested.param.name}; });

} // namespace
} // namespace tradecore::app::testing
