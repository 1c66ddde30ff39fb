// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/domain/loop.hpp"
#include "checks/checks.hpp"
#include "market/sample.hpp"
#include "readmodel/projectors.hpp"
#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/events/postgres_store.hpp>
#include <tradecore/projection/engine.hpp>

#include <boost/asio/this_coro.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

/// Two databases as a finished run leaves them.
namespace tradecore::app::testing {

namespace asio = boost::asio;
using tradecore::test::scratch_database;

inline std::string shipped_sql(const std::string& file)
{
    std::ifstream in(std::filesystem::path(TRADECORE_SOURCE_ROOT) / "database" / file);
    return {std::istreambuf_iterator<char>(in), {}};
}

struct scale {
    std::uint32_t traders = 2;
    std::uint32_t orders = 40;
    std::size_t ticks = 60;
};

/// The events of some traders, and the stream each belongs to.
class script {
public:
    struct item {
        std::string stream;
        events::new_event event;
    };

    explicit script(scale size = {})
    {
        const auto prices = market::make_sample(7, size.ticks);
        for (std::uint32_t trader = 0; trader < size.traders; ++trader) {
            loop one({3, trader, size.orders, domain::default_cash, domain::quantity::parse("0.4")}, prices);
            one.run();
            for (auto& happened : one.main_events) {
                if (auto* user = std::get_if<domain::user_created>(&happened))
                    user->email = std::to_string(trader) + user->email;
                add(main, kind_of(happened), domain::encode(happened));
            }
            for (const auto& happened : one.broker_events)
                add(vb, kind_of(happened), broker::encode(happened));
            reject_one(one, prices);
        }
    }

    std::vector<item> main;
    std::vector<item> vb;

private:
    // An order nobody can pay: placed and rejected, unknown to the broker.
    void reject_one(const loop& trader, const market::price_series& prices)
    {
        const auto& now = prices.ticks.back();
        const auto decided = decide(
            domain::order_state{}, trader.account,
            domain::place_order{
                domain::uuid5(trader.account.id, "too much"),
                trader.account.user_id,
                trader.account.id,
                trader.connection.id,
                prices.symbol,
                domain::side::buy,
                domain::order_type::market,
                domain::quantity::whole(1'000'000),
                {},
                static_cast<std::int64_t>(prices.ticks.size() - 1),
                now.bid,
                now.ask,
                now.time});
        for (const auto& happened : decided.events().order)
            add(main, "order", domain::encode(happened));
    }

    static std::string_view kind_of(const domain::event& happened)
    {
        const auto type = domain::event_type_of(happened);
        return type.starts_with("User")         ? "user"
               : type.starts_with("Connection") ? "connection"
               : type.starts_with("Order")      ? "order"
                                                : "account";
    }
    static std::string_view kind_of(const broker::event& happened)
    {
        return broker::event_type_of(happened).starts_with("BrokerOrder") ? "broker_order" : "broker_account";
    }

    // The first field of an event is its aggregate's id.
    void add(std::vector<item>& to, std::string_view kind, const domain::encoded_event& stored)
    {
        const std::string id{stored.data.as_object().begin()->value().as_string()};
        item made{std::string{kind} + "-" + id, {}};
        const auto number = std::to_string(++versions_[made.stream]);
        made.event.id = domain::uuid5(domain::tradecore_namespace, made.stream + "/" + number);
        made.event.type = stored.type;
        made.event.data = stored.data;
        to.push_back(std::move(made));
    }

    std::map<std::string, std::int64_t> versions_;
};

/// A database made as a copy of another, with nobody connected to that one.
class copied_database {
public:
    explicit copied_database(const std::string& original)
    {
        static int count = 0;
        name_ = original + "_copy" + std::to_string(++count);
        tradecore::test::run_sql(tradecore::test::dsn(), "CREATE DATABASE " + name_ + " TEMPLATE " + original);
    }
    ~copied_database() { tradecore::test::run_sql(tradecore::test::dsn(), "DROP DATABASE " + name_ + " WITH (FORCE)"); }
    copied_database(const copied_database&) = delete;
    copied_database& operator=(const copied_database&) = delete;

    [[nodiscard]] std::string dsn() const { return tradecore::test::dsn(name_); }
    std::string run(const std::string& sql) const { return tradecore::test::run_sql(dsn(), sql); }

private:
    std::string name_;
};

inline database_options options_for(const std::string& dsn, std::string name)
{
    database_options wanted;
    wanted.name = std::move(name);
    wanted.connect = pg::connect_options::parse(dsn);
    wanted.pool.minimum = 1;
    wanted.pool.maximum = 4;
    return wanted;
}

/// Both databases opened, with their stores.
struct systems {
    database& main;
    database& vb;
    events::postgres_store& main_store;
    events::postgres_store& vb_store;
    database_options main_options;
    database_options vb_options;

    [[nodiscard]] checks::check_context context() const
    {
        return {main, vb, main_store, vb_store, main_options, vb_options};
    }
};

template <class Body>
void with_systems(const std::string& main_dsn, const std::string& vb_dsn, Body body)
{
    tradecore::test::run([&]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const auto main_options = options_for(main_dsn, "main");
        const auto vb_options = options_for(vb_dsn, "vb");
        database main(executor, main_options);
        database vb(executor, vb_options);
        co_await main.open();
        co_await vb.open();
        events::postgres_store main_store(main);
        events::postgres_store vb_store(vb);
        systems here{main, vb, main_store, vb_store, main_options, vb_options};
        co_await body(here);
        co_await main.close();
        co_await vb.close();
    });
}

/// Appends in slices; within a slice the streams follow each other.
inline asio::awaitable<void> append_all(events::event_store& store, const std::vector<script::item>& items)
{
    constexpr std::size_t slice = 200;
    for (std::size_t begin = 0; begin < items.size(); begin += slice) {
        std::map<std::string, std::vector<events::new_event>> streams;
        for (std::size_t i = begin; i < std::min(items.size(), begin + slice); ++i)
            streams[items[i].stream].push_back(items[i].event);
        events::append_request request;
        for (auto& [stream, happened] : streams)
            request.streams.push_back(
                {stream, stream.substr(0, stream.find('-')), events::expected_version::any(), std::move(happened)});
        static_cast<void>(co_await store.append(std::move(request)));
    }
}

inline asio::awaitable<void> project_all(
    database& read, events::event_store& store, const readmodel::projector_list& projectors,
    projection::options how = {})
{
    for (const auto& one : projectors) {
        projection::engine engine(store, read, *one, how);
        co_await engine.catch_up();
        const auto stats = engine.stats();
        EXPECT_EQ(stats.parked, 0U) << one->name();
    }
}

/// Two new databases with the schemas.
class empty_systems {
public:
    empty_systems() : main("readmodel_main"), vb("readmodel_vb")
    {
        for (const auto* each : {&main, &vb}) {
            each->run(shipped_sql("event_store.sql"));
            each->run(shipped_sql("projection.sql"));
        }
        main.run(shipped_sql("tradecore.sql"));
        vb.run(shipped_sql("tradecore_vb.sql"));
    }

    template <class Body>
    void run(Body body) const
    {
        with_systems(main.dsn(), vb.dsn(), std::move(body));
    }

    scratch_database main;
    scratch_database vb;
};

/// Appends a script to both and brings all read models up to date.
inline asio::awaitable<void> play(systems& here, const script& events, projection::options how = {})
{
    co_await append_all(here.main_store, events.main);
    co_await append_all(here.vb_store, events.vb);
    co_await project_all(here.main, here.main_store, readmodel::make_main_projectors(), how);
    co_await project_all(here.vb, here.vb_store, readmodel::make_vb_projectors(), how);
}

/// The outcome of a healthy run, made once; every test gets copies of its own.
class finished_run {
public:
    static const finished_run& get()
    {
        static const finished_run made;
        return made;
    }

    const empty_systems systems_;

private:
    finished_run()
    {
        const script events;
        systems_.run([&](systems& here) { return play(here, events); });
    }
};

} // namespace tradecore::app::testing
