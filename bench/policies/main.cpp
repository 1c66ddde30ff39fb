// SPDX-License-Identifier: Apache-2.0
// What the policies of a database cost by themselves, beside a connection that answers at once.
//   --rounds=N      how often each is measured
//   --operations=N  in each round
#include "common/arguments.hpp"
#include "common/callers.hpp"
#include "policies/idle_connection.hpp"
#include "policies/rounds.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/db/errors.hpp>
#include <tradecore/db/pool.hpp>
#include <tradecore/observe/log.hpp>
#include <tradecore/resilience/circuit_breaker.hpp>
#include <tradecore/resilience/random_source.hpp>
#include <tradecore/resilience/retry.hpp>
#include <tradecore/resilience/retry_budget.hpp>

#include <boost/asio/this_coro.hpp>

#include <stdexcept>

namespace tradecore::bench {
namespace {

namespace asio = boost::asio;
using resilience::outcome;

constexpr std::chrono::hours never{24};

asio::awaitable<std::unique_ptr<physical_connection>> refuse_connection()
{
    throw pg::connection_error(pg::client_errc::cannot_connect, "connection refused");
    co_return nullptr;
}

pool_options ten_connections()
{
    pool_options options{.minimum = 10, .maximum = 10};
    options.exhaustion_threshold = 1;
    return options;
}

/// Opens at the first failure and stays so.
database_options soon_open()
{
    database_options options;
    options.pool.minimum = 0;
    options.breaker = {
        .failure_threshold = 1, .background_probe = never, .background_probe_limit = never, .caller_probe = never};
    options.retries.outage.max_attempts = 1;
    return options;
}

resilience::breaker_options opens_for_long()
{
    return soon_open().breaker;
}

/// What is measured, made once.
struct world {
    explicit world(const asio::any_io_executor& executor)
        : connections(executor, "bench", ten_connections(), make_idle_connection),
          main(executor, {}, make_idle_connection), broken(executor, soon_open(), refuse_connection),
          closed({}, resilience::seeded_random(1)), open(opens_for_long(), resilience::seeded_random(1))
    {}

    idle_connection bare;
    pool connections;
    database main;
    database broken;
    resilience::circuit_breaker closed;
    resilience::circuit_breaker open;
    resilience::retry_policies policies;
    resilience::retry_budget budget;
    account_ids accounts{1};
};

asio::awaitable<void> ask(session& whom, account_ids& accounts, std::size_t times)
{
    for (std::size_t i = 0; i < times; ++i)
        use(co_await whom.fetch(TRADECORE_BENCH_POINT_SQL, accounts.next()));
}

asio::awaitable<void> ask_connection(world& on, std::size_t times)
{
    return ask(on.bare, on.accounts, times);
}

asio::awaitable<void> ask_database(world& on, std::size_t times)
{
    return ask(on.main, on.accounts, times);
}

asio::awaitable<void> acquire(world& on, std::size_t times)
{
    for (std::size_t i = 0; i < times; ++i) {
        const auto held = co_await on.connections.acquire(usage::here("bench"));
        use(held);
    }
}

asio::awaitable<void> acquire_at_once(world& on, std::size_t times)
{
    for (std::size_t i = 0; i < times; ++i) {
        const auto held = on.connections.try_acquire(usage::here("bench"));
        use(held);
    }
    co_return;
}

asio::awaitable<void> pass_closed_breaker(world& on, std::size_t times)
{
    const auto now = resilience::clock::now();
    for (std::size_t i = 0; i < times; ++i) {
        auto answer = on.closed.admit(now);
        use(answer);
        answer.granted.settle(outcome::success, now);
        use(on.closed);
    }
    co_return;
}

// An open breaker has to know how late it is, so the look at the clock is part of it.
asio::awaitable<void> meet_open_breaker(world& on, std::size_t times)
{
    for (std::size_t i = 0; i < times; ++i)
        use(on.open.admit(resilience::clock::now()));
    co_return;
}

asio::awaitable<void> call_broken_database(world& on, std::size_t times)
{
    for (std::size_t i = 0; i < times; ++i) {
        try {
            use(co_await on.broken.fetch(TRADECORE_BENCH_POINT_SQL, on.accounts.next()));
        }
        catch (const circuit_open& refused) {
            use(refused);
        }
    }
}

// As a call begins that has a time limit; it succeeds, so nobody asks for another attempt.
asio::awaitable<void> begin_call(world& on, std::size_t times)
{
    for (std::size_t i = 0; i < times; ++i) {
        const auto now = resilience::clock::now();
        const auto limit = resilience::deadline::after(now, std::chrono::seconds(1));
        use(resilience::retry(on.policies, limit, &on.budget, now));
    }
    co_return;
}

asio::awaitable<void> get_ready(world& on)
{
    co_await on.connections.open();
    co_await on.main.open();
    co_await on.broken.open();
    auto attempt = on.open.admit(resilience::clock::now());
    attempt.granted.settle(outcome::failure, resilience::clock::now());
    try {
        co_await on.broken.execute("SELECT");
    }
    catch (const pg::connection_error&) {
        // Now its breaker is open.
    }
    if (on.open.state() != resilience::breaker_state::open ||
        on.broken.breaker_state() != resilience::breaker_state::open)
        throw std::logic_error("a breaker did not open");
}

asio::awaitable<void> measure(std::size_t rounds, std::size_t operations, asio::io_context& loop)
{
    world on(co_await asio::this_coro::executor);
    co_await get_ready(on);
    std::vector<repeated<world>> all{
        {.name = "connection", .run = ask_connection, .slower = 4},
        {.name = "database", .run = ask_database, .slower = 4},
        {.name = "acquire", .run = acquire},
        {.name = "acquire-at-once", .run = acquire_at_once},
        {.name = "breaker-closed", .run = pass_closed_breaker},
        {.name = "breaker-open", .run = meet_open_breaker},
        {.name = "refused", .run = call_broken_database, .slower = 20},
        {.name = "begin-call", .run = begin_call},
    };
    co_await run_rounds(on, all, rounds, operations);
    print_rounds(all);
    co_await on.connections.close(std::chrono::seconds(1));
    loop.stop();
}

} // namespace
} // namespace tradecore::bench

int main(int count, char** values)
{
    using namespace tradecore::bench;
    std::size_t rounds = 25;
    std::size_t operations = 200'000;
    read_options(count, values, [&](std::string_view name, std::string_view value) {
        if (name == "rounds")
            detail::read(name, value, rounds);
        else if (name == "operations")
            detail::read(name, value, operations);
        else
            return false;
        return true;
    });
    // What the broken database says of itself is no news.
    tradecore::observe::set_threshold(tradecore::observe::level::off);
    boost::asio::io_context loop(1);
    start(loop, measure(rounds, operations, loop));
    loop.run();
    return 0;
}
