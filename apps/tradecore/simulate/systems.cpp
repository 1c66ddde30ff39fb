// SPDX-License-Identifier: Apache-2.0
#include "simulate/systems.hpp"

#include "readmodel/projectors.hpp"

#include <tradecore/db/coroutines.hpp>

#include <deque>

namespace tradecore::app::simulate {

namespace asio = boost::asio;

namespace {

/// What: the listener of a system that nobody delivers for but the relay: answers its events at once.
template <class Deliver>
service::listener each(Deliver deliver)
{
    return [deliver](std::vector<events::recorded_event> appended) -> asio::awaitable<void> {
        for (auto& event : appended)
            co_await deliver(std::move(event));
    };
}

} // namespace

projection::projections_options systems::main_options()
{
    return {.on_sync = [this](std::chrono::nanoseconds waited, const projection::sync_outcome& outcome) {
        sync_waits_.push_back(waited);
        if (!outcome.done())
            ++sync_pending_;
    }};
}

systems::systems(
    database& main, database& vb, const market::price_series& prices, domain::quantity max_fill,
    service::patience with_outages)
    : main_store_(main), vb_store_(vb), main_projections_(main_options()), trading_(main_store_, true, with_outages),
      broker_(vb_store_, prices, max_fill, true, with_outages), process_(trading_, broker_),
      stored_trading_(main_store_, false, with_outages),
      stored_broker_(vb_store_, prices, max_fill, false, with_outages),
      stored_process_(stored_trading_, stored_broker_),
      to_broker_(
          {.name = "orders-to-broker",
           .from = main_store_,
           .to = vb_store_,
           .checkpoints = main,
           .wants_answer = &service::process_manager::answers_main,
           .deliver = [this](events::recorded_event event) { return stored_process_.on_main_event(std::move(event)); },
           .with_outages = with_outages}),
      to_main_(
          {.name = "fills-to-main",
           .from = vb_store_,
           .to = main_store_,
           .checkpoints = vb,
           .wants_answer = &service::process_manager::answers_broker,
           .deliver =
               [this](events::recorded_event event) { return stored_process_.on_broker_event(std::move(event)); },
           .with_outages = with_outages})
{
    const auto add =
        [this](auto made, projection::projections& to, events::event_store& store, database& read, std::string source) {
            for (auto& projector : made) {
                to.add(store, read, *projector, {.source = source});
                projectors_.push_back(std::move(projector));
            }
        };
    add(readmodel::make_main_projectors(), main_projections_, main_store_, main, "main");
    add(readmodel::make_vb_projectors(), vb_projections_, vb_store_, vb, "vb");

    trading_.on_appended([this](auto appended) { return after_main(std::move(appended)); });
    broker_.on_appended([this](auto appended) { return deliver_to_main(std::move(appended)); });
    stored_trading_.on_appended(
        each([this](events::recorded_event event) { return stored_process_.on_main_event(std::move(event)); }));
    stored_broker_.on_appended(
        each([this](events::recorded_event event) { return stored_process_.on_broker_event(std::move(event)); }));
}

figures systems::traded() const
{
    return {
        .commands = trading_.commands() + broker_.commands(),
        .repeated = trading_.repeated() + broker_.repeated(),
        .sync_waits = sync_waits_,
        .sync_pending = sync_pending_,
        .sync_rate = main_projections_.rate(),
        .outlasted = outlasted()};
}

service::repetitions systems::outlasted() const
{
    service::repetitions all;
    for (const auto* made :
         {&trading_.repetitions_made(), &broker_.repetitions_made(), &stored_trading_.repetitions_made(),
          &stored_broker_.repetitions_made(), &to_broker_.repetitions_made(), &to_main_.repetitions_made()})
        all.add(*made);
    return all;
}

std::uint64_t systems::moved() const
{
    auto sum = trading_.commands() + broker_.commands() + stored_trading_.commands() + stored_broker_.commands() +
               static_cast<std::uint64_t>(to_broker_.position() + to_main_.position());
    for (const auto* projections : {&main_projections_, &vb_projections_}) {
        const auto stats = projections->stats();
        sum += stats.applied + stats.batches + stats.retried;
    }
    return sum;
}

asio::awaitable<void> systems::after_main(std::vector<events::recorded_event> appended)
{
    auto projected = [](systems& self, std::vector<events::recorded_event> events) -> asio::awaitable<void> {
        co_await self.main_projections_.project_sync(events);
    };
    // Neither needs the other: the caller's answer waits for the slower one.
    auto projecting = projected(*this, appended);
    auto delivering = deliver_to_broker(std::move(appended));
    co_await when_all(std::move(projecting), std::move(delivering));
}

asio::awaitable<void> systems::deliver_to_broker(std::vector<events::recorded_event> appended)
{
    std::erase_if(appended, [](const auto& event) { return !service::process_manager::answers_main(event); });
    // All of them at once: the relay must not take the second for lost while the first is on its way.
    std::deque<service::relay::mark> under_way;
    for (const auto& event : appended)
        under_way.emplace_back(to_broker_, event.id);
    for (auto& event : appended)
        co_await process_.on_main_event(std::move(event));
}

asio::awaitable<void> systems::deliver_to_main(std::vector<events::recorded_event> appended)
{
    std::erase_if(appended, [](const auto& event) { return !service::process_manager::answers_broker(event); });
    // All of them at once: the relay must not take the second for lost while the first is on its way.
    std::deque<service::relay::mark> under_way;
    for (const auto& event : appended)
        under_way.emplace_back(to_main_, event.id);
    for (auto& event : appended)
        co_await process_.on_broker_event(std::move(event));
}

asio::awaitable<void> systems::stop_relays_after(asio::awaitable<void> work)
{
    co_await std::move(work);
    to_broker_.stop();
    to_main_.stop();
}

asio::awaitable<void> systems::finish_after(asio::awaitable<void> work, callers deliver)
{
    const auto unanswered =
        deliver == callers::here ? service::relay::unanswered::deliver : service::relay::unanswered::leave;
    co_await when_all(stop_relays_after(std::move(work)), to_broker_.run(unanswered), to_main_.run(unanswered));
    // What is delivered to the broker is answered by events that are delivered back.
    co_await to_broker_.catch_up();
    co_await to_main_.catch_up();
    co_await when_all(main_projections_.catch_up(), vb_projections_.catch_up());
    main_projections_.stop();
    vb_projections_.stop();
}

asio::awaitable<void> systems::run_beside(asio::awaitable<void> work, callers deliver)
{
    co_await when_all(finish_after(std::move(work), deliver), main_projections_.run(), vb_projections_.run());
}

} // namespace tradecore::app::simulate
