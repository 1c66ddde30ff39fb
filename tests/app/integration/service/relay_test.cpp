// SPDX-License-Identifier: Apache-2.0
#include "app/integration/checks/two_systems.hpp"
#include "service/process_manager.hpp"
#include "service/relay.hpp"
#include "support/network_gate.hpp"

#include <tradecore/observe/capture.hpp>
#include <tradecore/schema/schema_file.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace {

using namespace tradecore;
using namespace tradecore::app;
using tradecore::test::scratch_database;

namespace asio = boost::asio;

const auto ids = domain::trader_ids::of(1, 0);
const auto order = domain::step_id(1, 0, 0, "order");

domain::uuid command(std::string_view name)
{
    return domain::uuid5(domain::tradecore_namespace, name);
}

asio::awaitable<database> open_at(std::string dsn, std::string name)
{
    database_options options;
    options.name = std::move(name);
    options.connect = pg::connect_options::parse(dsn);
    options.pool = {.minimum = 1, .maximum = 2};
    database made(co_await asio::this_coro::executor, options);
    co_await made.open();
    for (const auto* file : {"event_store.sql", "projection.sql"})
        co_await schema::run_schema(made, file, app::testing::shipped_sql(file));
    co_return made;
}

asio::awaitable<database> open(const scratch_database& scratch, std::string name)
{
    return open_at(scratch.dsn(), std::move(name));
}

// Both systems, with nobody delivering events but the relays.
struct two {
    two(database& main, database& vb, const market::price_series& prices)
        : main_store(main), vb_store(vb), trading(main_store, false),
          broker(vb_store, prices, domain::quantity::whole(1), false), process(trading, broker),
          to_broker(
              {"to-broker", main_store, vb_store, main, &service::process_manager::answers_main,
               [this](events::recorded_event event) { return process.on_main_event(std::move(event)); }}),
          to_main(
              {"to-main", vb_store, main_store, vb, &service::process_manager::answers_broker,
               [this](events::recorded_event event) { return process.on_broker_event(std::move(event)); }})
    {}

    asio::awaitable<void> place_a_market_order(const market::tick& now)
    {
        co_await trading.handle(
            command("open"),
            domain::open_account{.account_id = ids.account, .user_id = ids.user, .currency = "USD", .at = now.time});
        co_await trading.handle(
            command("connect"), domain::create_connection{
                                    .connection_id = ids.connection,
                                    .user_id = ids.user,
                                    .account_id = ids.account,
                                    .currency = "USD",
                                    .at = now.time});
        co_await trading.handle(
            command("deposit"), ids.account, domain::deposit{.amount = domain::default_cash, .at = now.time});
        co_await trading.handle(
            command("place"), domain::place_order{
                                  .order_id = order,
                                  .user_id = ids.user,
                                  .account_id = ids.account,
                                  .connection_id = ids.connection,
                                  .symbol = std::string(market::sample_symbol),
                                  .quantity = domain::quantity::parse("0.5"),
                                  .limit_price = {},
                                  .tick = 0,
                                  .bid = now.bid,
                                  .ask = now.ask,
                                  .at = now.time});
    }

    events::postgres_store main_store;
    events::postgres_store vb_store;
    service::trading_system trading;
    service::broker_system broker;
    service::process_manager process;
    service::relay to_broker;
    service::relay to_main;
};

asio::awaitable<std::string> last_event(events::event_store& store)
{
    const auto log = co_await store.read_stream("order-" + domain::to_text(order), 0, 100);
    co_return log.empty() ? "" : log.back().type;
}

TEST(relay, delivers_what_nobody_delivered_and_nothing_twice)
{
    const scratch_database main_place("relay");
    const scratch_database vb_place("relay_vb");
    test::run([&]() -> asio::awaitable<void> {
        auto main = co_await open(main_place, "main");
        auto vb = co_await open(vb_place, "vb");
        const auto prices = market::make_sample(1, 10);
        {
            two systems(main, vb, prices);
            co_await systems.place_a_market_order(prices.ticks[0]);
            EXPECT_EQ(co_await last_event(systems.main_store), "OrderPlaced");
            co_await systems.to_broker.catch_up();
            co_await systems.to_main.catch_up();
            EXPECT_EQ(co_await last_event(systems.main_store), "OrderFilled");
            EXPECT_EQ(systems.to_broker.redelivered(), 3U); // connection, deposit, order
            EXPECT_EQ(systems.to_main.redelivered(), 2U);   // account, fill
        }
        // The next process begins at the checkpoints; one that has lost its checkpoint asks what is answered.
        for (const auto* forget : {"SELECT 1", "UPDATE proj.checkpoint SET position = 0"}) {
            co_await main.execute(runtime_sql(forget));
            co_await vb.execute(runtime_sql(forget));
            two again(main, vb, prices);
            const auto before = co_await again.main_store.head() + co_await again.vb_store.head();
            co_await again.to_broker.catch_up();
            co_await again.to_main.catch_up();
            EXPECT_EQ(again.to_broker.redelivered() + again.to_main.redelivered(), 0U);
            EXPECT_EQ(co_await again.main_store.head() + co_await again.vb_store.head(), before);
        }
        co_await main.close();
        co_await vb.close();
    });
}

TEST(relay, goes_on_when_a_connection_is_lost_and_with_it_whether_its_checkpoint_was_moved)
{
    const observe::capture quiet;
    const scratch_database main_place("relay");
    const scratch_database vb_place("relay_vb");
    test::run([&]() -> asio::awaitable<void> {
        test::network_gate gate(co_await asio::this_coro::executor, main_place.dsn());
        auto main = co_await open_at(gate.dsn(), "main");
        auto vb = co_await open(vb_place, "vb");
        const auto prices = market::make_sample(1, 10);
        two systems(main, vb, prices);
        co_await systems.place_a_market_order(prices.ticks[0]);
        // Only the checkpoint is updated there.
        int cuts = 0;
        gate.when(test::flow::to_client, "UPDATE 1", [&](test::network_gate::link& on) {
            ++cuts;
            gate.when(test::flow::to_client, "UPDATE 1", {});
            on.end(test::ending::reset);
        });
        co_await systems.to_broker.catch_up();
        EXPECT_EQ(cuts, 1);
        EXPECT_EQ(systems.to_broker.redelivered(), 3U);
        EXPECT_EQ(
            co_await main.fetchval<std::int64_t>("SELECT position FROM proj.checkpoint WHERE projection = 'to-broker'"),
            co_await systems.main_store.head());
        co_await main.close();
        co_await vb.close();
    });
}

TEST(relay, leaves_alone_what_the_caller_of_an_append_is_delivering)
{
    const scratch_database main_place("relay");
    const scratch_database vb_place("relay_vb");
    test::run([&]() -> asio::awaitable<void> {
        auto main = co_await open(main_place, "main");
        auto vb = co_await open(vb_place, "vb");
        const auto prices = market::make_sample(1, 10);
        two systems(main, vb, prices);
        co_await systems.place_a_market_order(prices.ticks[0]);
        const auto log = co_await systems.main_store.open_log(0)->next(100);
        const auto connected = std::ranges::find(log, "ConnectionCreated", &events::recorded_event::type);
        bool caught_up = false;
        auto catch_up = [](service::relay& of, bool& done) -> asio::awaitable<void> {
            co_await of.catch_up();
            done = true;
        };
        const auto executor = co_await asio::this_coro::executor;
        {
            const service::relay::mark here(systems.to_broker, connected->id);
            asio::co_spawn(executor, catch_up(systems.to_broker, caught_up), asio::detached);
            co_await systems.process.on_main_event(*connected);
            EXPECT_FALSE(caught_up);
        }
        while (!caught_up) // NOLINT(bugprone-infinite-loop): the other coroutine ends it
            co_await asio::post(executor, asio::use_awaitable);
        EXPECT_EQ(systems.to_broker.redelivered(), 2U); // deposit and order, but not the connection
        co_await main.close();
        co_await vb.close();
    });
}

TEST(relay, passes_over_what_other_processes_deliver_and_leaves_the_rest_until_it_catches_up)
{
    const scratch_database main_place("relay");
    const scratch_database vb_place("relay_vb");
    test::run([&]() -> asio::awaitable<void> {
        auto main = co_await open(main_place, "main");
        auto vb = co_await open(vb_place, "vb");
        const auto prices = market::make_sample(1, 10);
        two systems(main, vb, prices);
        co_await systems.place_a_market_order(prices.ticks[0]);
        const auto log = co_await systems.main_store.open_log(0)->next(100);
        const auto connected = std::ranges::find(log, "ConnectionCreated", &events::recorded_event::type);
        co_await systems.process.on_main_event(*connected);

        // Each look asks twice about the event it stops at. One that delivers does so at the second look.
        constexpr int third_look = 5;
        int asked = 0;
        service::relay* looking = nullptr;
        service::relay beside(
            {"beside", systems.main_store, systems.vb_store, main,
             [&](const events::recorded_event& event) {
                 if (event.type == "FundsDeposited" && ++asked == third_look)
                     looking->stop();
                 return service::process_manager::answers_main(event);
             },
             [&](events::recorded_event event) {
                 looking->stop();
                 return systems.process.on_main_event(std::move(event));
             }});
        looking = &beside;
        co_await beside.run(service::relay::unanswered::leave);
        EXPECT_EQ(beside.redelivered(), 0U);
        EXPECT_GE(
            co_await main.fetchval<std::int64_t>("SELECT position FROM proj.checkpoint WHERE projection = 'beside'"),
            connected->position);
        co_await beside.catch_up();
        EXPECT_EQ(beside.redelivered(), 2U); // deposit and order
        co_await main.close();
        co_await vb.close();
    });
}

TEST(relay, refuses_a_checkpoint_of_another_store)
{
    const scratch_database main_place("relay");
    const scratch_database vb_place("relay_vb");
    test::run([&]() -> asio::awaitable<void> {
        auto main = co_await open(main_place, "main");
        auto vb = co_await open(vb_place, "vb");
        const auto prices = market::make_sample(1, 10);
        co_await main.execute(
            "INSERT INTO proj.checkpoint (projection, version, source, epoch) VALUES ('to-broker', 1, 'relay', $1)",
            ids.user);
        two systems(main, vb, prices);
        std::string message;
        try {
            co_await systems.to_broker.catch_up();
        }
        catch (const std::runtime_error& error) {
            message = error.what();
        }
        EXPECT_NE(message.find("to-broker is of another event store"), std::string::npos) << message;
        co_await main.close();
        co_await vb.close();
    });
}

} // namespace
