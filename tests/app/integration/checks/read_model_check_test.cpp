// SPDX-License-Identifier: Apache-2.0
#include "two_systems.hpp"

#include <gmock/gmock.h>

namespace tradecore::app::testing {
namespace {

using readmodel::system;
using ::testing::HasSubstr;

/// Something done to a read table, and what the check of that table must say.
struct corruption {
    const char* name;
    system where;
    const char* table;
    const char* sql;
    std::vector<std::string> says;
};

void PrintTo(const corruption& what, std::ostream* to)
{
    *to << what.name;
}

class read_model_corruption : public ::testing::TestWithParam<corruption> {};

checks::check_result check(const std::string& main, const std::string& vb, system which, std::string_view table)
{
    checks::check_result out;
    with_systems(main, vb, [&](systems& here) -> asio::awaitable<void> {
        for (const auto& fold : checks::model_folds(which))
            if (fold.table == table)
                out = co_await checks::check_read_model(which == system::main ? here.main : here.vb, fold);
    });
    return out;
}

TEST_P(read_model_corruption, is_found)
{
    const auto& param = GetParam();
    const auto& healthy = finished_run::get().systems_;
    const copied_database main(healthy.main.name());
    const copied_database vb(healthy.vb.name());

    const auto before = check(main.dsn(), vb.dsn(), param.where, param.table);
    EXPECT_TRUE(before.ok) << before.detail;
    EXPECT_THAT(before.detail, HasSubstr("rows are what the events say"));

    (param.where == system::main ? main : vb).run(param.sql);
    const auto after = check(main.dsn(), vb.dsn(), param.where, param.table);
    EXPECT_EQ(after.name, "read model " + std::string{param.table});
    EXPECT_FALSE(after.ok);
    for (const auto& words : param.says)
        EXPECT_THAT(after.detail, HasSubstr(words));
}

INSTANTIATE_TEST_SUITE_P(
    , read_model_corruption,
    ::testing::Values(
        corruption{
            "user_spent_less",
            system::main,
            "users",
            "UPDATE users SET total_spent = total_spent - 0.00000001 WHERE email LIKE '0%'",
            {"total_spent is ", "(1 of 2 rows differ)"}},
        corruption{
            "user_ordered_later",
            system::main,
            "users",
            "UPDATE users SET last_order_at = last_order_at + interval '1 microsecond', total_orders = "
            "total_orders + 1",
            {"total_orders is ", "; last_order_at is ", "(2 of 2 rows differ)"}},
        corruption{
            "user_missing",
            system::main,
            "users",
            "DELETE FROM users WHERE email LIKE '1%'",
            {"the row is missing", "(1 of 1 rows differ)"}},
        corruption{
            "account_of_another",
            system::main,
            "user_accounts",
            "UPDATE user_accounts SET user_id = account_id",
            {"user_id is "}},
        corruption{
            "account_has_more",
            system::main,
            "accounts",
            "UPDATE accounts SET cash_free = cash_free + 0.00000001 WHERE id = (SELECT max(id::text)::uuid FROM "
            "accounts)",
            {"accounts ", "cash_free is ", "(1 of 2 rows differ)"}},
        corruption{
            "connection_is_pending",
            system::main,
            "broker_connections",
            "UPDATE broker_connections SET status = 'pending', broker_account_id = NULL, activated_at = NULL",
            {"status is pending, events say active"}},
        corruption{
            "order_never_placed",
            system::main,
            "orders",
            "INSERT INTO orders SELECT (r).* FROM (SELECT jsonb_populate_record(o, jsonb_build_object('id', "
            "'00000000-0000-0000-0000-000000000001')) AS r FROM orders o LIMIT 1) x",
            {"orders 00000000-0000-0000-0000-000000000001: no event speaks of the row"}},
        corruption{
            "order_costs_less",
            system::main,
            "orders",
            "UPDATE orders SET average_price = average_price - 0.00000001 WHERE fills > 1",
            {"average_price is "}},
        corruption{
            "order_is_open_again",
            system::main,
            "orders",
            "UPDATE orders SET status = 'open', closed_at = NULL WHERE status = 'rejected'",
            {"status is open, events say rejected", "closed_at is null, events say 20"}},
        corruption{
            "order_says_something_else",
            system::main,
            "orders",
            "UPDATE orders SET data = data || '{\"tick\": -1}'",
            {"data is "}},
        corruption{
            "position_cost", system::main, "positions", "UPDATE positions SET cost = cost + 0.00000001", {"cost is "}},
        corruption{"position_missing", system::main, "positions", "TRUNCATE positions", {"the row is missing"}},
        corruption{
            "portfolio_worth_more",
            system::main,
            "portfolios",
            "UPDATE portfolios SET cash = cash + 1, total_value = total_value + 1",
            {"cash is ", "; total_value is "}},
        corruption{
            "audit_forgot",
            system::main,
            "audit_log",
            "DELETE FROM audit_log WHERE event_id = (SELECT max(event_id::text)::uuid FROM audit_log)",
            {"the row is missing", "(1 of "}},
        corruption{
            "audit_changed",
            system::main,
            "audit_log",
            "UPDATE audit_log SET data = data || '{\"cash\": \"1\"}' WHERE type = 'FundsReserved'",
            {"data is "}},
        corruption{
            "broker_cash", system::vb, "vb_accounts", "UPDATE vb_accounts SET cash = cash - 0.00000001", {"cash is "}},
        corruption{
            "broker_holdings",
            system::vb,
            "vb_accounts",
            "UPDATE vb_accounts SET holdings = holdings || '{\"GOLD\": \"1\"}'",
            {"holdings is "}},
        corruption{
            "broker_order", system::vb, "vb_orders", "UPDATE vb_orders SET fees = fees + 0.00000001", {"fees is "}},
        corruption{
            "broker_fill_price",
            system::vb,
            "vb_fills",
            "UPDATE vb_fills SET price = price + 0.00000001 WHERE id = (SELECT max(id::text)::uuid FROM vb_fills)",
            {"price is ", "(1 of "}},
        corruption{
            "broker_fill_missing",
            system::vb,
            "vb_fills",
            "DELETE FROM vb_fills WHERE id = (SELECT max(id::text)::uuid FROM vb_fills)",
            {"the row is missing"}}),
    [](const auto& tested) { return std::string{tested.param.name}; });

// A column the events have nothing to say about is nobody's.
TEST(read_model_check, a_column_without_events_is_an_error)
{
    const auto& healthy = finished_run::get().systems_;
    const copied_database main(healthy.main.name());
    const copied_database vb(healthy.vb.name());
    main.run("ALTER TABLE accounts ADD COLUMN mood text");
    EXPECT_ANY_THROW(check(main.dsn(), vb.dsn(), system::main, "accounts"));
}

} // namespace
} // namespace tradecore::app::testing
