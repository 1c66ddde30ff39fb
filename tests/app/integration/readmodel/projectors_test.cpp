// SPDX-License-Identifier: Apache-2.0
#include "app/integration/checks/two_systems.hpp"
#include "checks/digest.hpp"

#include <gmock/gmock.h>

#include <set>

namespace tradecore::app::testing {
namespace {

using readmodel::system;

std::string digest_after(const script& events, projection::options how, const std::string& setting = {})
{
    const empty_systems where;
    if (!setting.empty())
        for (const auto* each : {&where.main, &where.vb})
            each->run("ALTER DATABASE " + each->name() + " SET " + setting);
    std::string out;
    where.run([&](systems& here) -> asio::awaitable<void> {
        co_await play(here, events, how);
        out = co_await checks::digest(here.main, here.vb);
    });
    return out;
}

projection::options in_batches_of(std::size_t events)
{
    projection::options how;
    how.min_batch = how.max_batch = events;
    return how;
}

// What the fold carries from one batch to the next must be what it carries within a batch.
TEST(projectors, make_the_same_rows_in_batches_of_any_size)
{
    const script events({2, 15, 30});
    const auto one_by_one = digest_after(events, in_batches_of(1));
    EXPECT_EQ(one_by_one.size(), 64U);
    EXPECT_EQ(digest_after(events, in_batches_of(7)), one_by_one);
    EXPECT_EQ(digest_after(events, in_batches_of(5'000)), one_by_one);
}

TEST(projectors, digest_does_not_depend_on_the_servers_settings)
{
    const script events({1, 10, 30});
    EXPECT_EQ(digest_after(events, {}), digest_after(events, {}, "timezone = 'Asia/Kathmandu'"));
    EXPECT_EQ(digest_after(events, {}), digest_after(events, {}, "datestyle = 'SQL, DMY'"));
}

// Streams are in no order between them: the users of the second half of the log place orders in the first.
TEST(projectors, make_the_same_rows_when_streams_come_in_another_order)
{
    script events({2, 15, 30});
    const auto usual = digest_after(events, {});
    std::vector<script::item> others;
    for (const std::string_view kind : {"order-", "account-", "connection-", "user-"})
        for (const auto& item : events.main)
            if (item.stream.starts_with(kind))
                others.push_back(item);
    ASSERT_EQ(others.size(), events.main.size());
    events.main = std::move(others);
    EXPECT_EQ(digest_after(events, in_batches_of(11)), usual);
}

TEST(projectors, show_a_user_known_from_orders_alone_as_unknown)
{
    const empty_systems where;
    script events({1, 10, 30});
    const auto created = std::find_if(
        events.main.begin(), events.main.end(), [](const auto& item) { return item.event.type == "UserCreated"; });
    const script::item later = *created;
    events.main.erase(created);
    where.run([&](systems& here) -> asio::awaitable<void> {
        co_await play(here, events);
        EXPECT_EQ(
            where.main.run("SELECT concat_ws(' ', status, total_orders, email IS NULL) FROM users"), "unknown 11 t");
        const std::vector<script::item> rest{later};
        co_await append_all(here.main_store, rest);
        co_await project_all(here.main, here.main_store, readmodel::make_main_projectors());
        EXPECT_EQ(
            where.main.run("SELECT concat_ws(' ', status, total_orders, email) FROM users"),
            "active 11 0t@example.org");
    });
}

TEST(projectors, digest_notices_the_smallest_unit)
{
    const auto& healthy = finished_run::get().systems_;
    const copied_database main(healthy.main.name());
    const copied_database vb(healthy.vb.name());
    std::set<std::string> seen;
    const auto look = [&](const std::string& sql) {
        vb.run(sql);
        with_systems(main.dsn(), vb.dsn(), [&](systems& here) -> asio::awaitable<void> {
            seen.insert(co_await checks::digest(here.main, here.vb));
        });
    };
    look("SELECT 1");
    look("UPDATE vb_fills SET fee = fee + 0.00000001 WHERE id = (SELECT max(id::text)::uuid FROM vb_fills)");
    look("DELETE FROM vb_fills WHERE id = (SELECT max(id::text)::uuid FROM vb_fills)");
    EXPECT_EQ(seen.size(), 3U);
    look("VACUUM FULL vb_fills");
    EXPECT_EQ(seen.size(), 3U);
}

TEST(projectors, wait_for_four_types_of_events_only)
{
    std::set<std::string> waits;
    for (const auto* made :
         {"UserCreated", "AccountCreated", "FundsDeposited", "FundsReserved", "FillSettled", "FundsReleased",
          "ConnectionCreated", "ConnectionActivated", "OrderPlaced", "OrderRejected", "OrderPartiallyFilled",
          "OrderFilled", "OrderCancelRequested", "OrderCancelled"}) {
        std::size_t handlers = 0;
        for (const auto& one : readmodel::make_main_projectors()) {
            const auto mode = one->mode_of(made);
            handlers += mode ? 1 : 0;
            if (mode == projection::mode::sync)
                waits.insert(std::string{one->name()} + " " + made);
        }
        // Everybody's log, and at least one read model of its own.
        EXPECT_GE(handlers, 2U) << made;
    }
    EXPECT_THAT(
        waits,
        ::testing::ElementsAre(
            "accounts AccountCreated", "connections ConnectionCreated", "orders OrderPlaced", "users UserCreated"));
}

// The tables the digest and the rebuild look at are all there are.
TEST(projectors, read_tables_are_the_schemas_tables_and_columns)
{
    const auto& healthy = finished_run::get().systems_;
    for (const auto which : {system::main, system::vb}) {
        std::set<std::string> listed;
        for (const auto& table : readmodel::read_tables(which))
            for (const auto& column : table.columns)
                listed.insert(table.name + "." + column.name);
        std::string text;
        for (const auto& one : listed)
            text += one + "\n";
        EXPECT_EQ(
            (which == system::main ? healthy.main : healthy.vb)
                .run("SELECT string_agg(table_name || '.' || column_name || E'\\n', '' ORDER BY table_name || '.' || "
                     "column_name COLLATE \"C\") FROM information_schema.columns WHERE table_schema = 'public'"),
            text);
    }
}

} // namespace
} // namespace tradecore::app::testing
