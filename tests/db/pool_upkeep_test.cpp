// SPDX-License-Identifier: Apache-2.0
#include "db/support/each_step.hpp"
#include "db/support/pool_fixture.hpp"

#include <tradecore/db/errors.hpp>
#include <tradecore/observe/capture.hpp>

#include <boost/asio/detached.hpp>
#include <gmock/gmock.h>

#include <optional>
#include <stdexcept>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::borrow;
using test::fake_server;
using test::settle;
using test::sized;
using test::what_of;
using test::with_pool;
using testing::ElementsAre;
using testing::HasSubstr;

/// Every connection is checked before it serves again.
pool_options suspicious(std::size_t minimum, std::size_t maximum)
{
    auto options = sized(minimum, maximum);
    options.idle_check_after = 0ms;
    return options;
}

/// Waits until something the pool does in the background is done.
template <class F>
asio::awaitable<void> until(F holds)
{
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (int i = 0; i < 10'000 && !holds(); ++i) {
        timer.expires_after(1ms);
        co_await timer.async_wait(asio::use_awaitable);
    }
    EXPECT_TRUE(holds());
}

// --- checks before use -----------------------------------------------------------------------------

TEST(pool_check, an_idle_connection_answers_before_it_is_lent)
{
    with_pool(suspicious(1, 1), [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        EXPECT_FALSE(connections.try_acquire({})) << "that would have to wait";
        const auto next = co_await connections.acquire({});
        EXPECT_EQ(next->backend_pid(), 1);
        EXPECT_EQ(server.log(), "1:");
    });
}

TEST(pool_check, costs_a_pool_that_is_used_nothing)
{
    with_pool(sized(1, 1), [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        for (int i = 0; i < 3; ++i)
            EXPECT_TRUE(connections.try_acquire({}));
        EXPECT_EQ(server.log(), "");
        co_return;
    });
}

TEST(pool_check, replaces_what_had_ended_within_the_same_acquire)
{
    with_pool(suspicious(1, 1), [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        // The end of the stream is in the socket, but nobody has read it yet.
        asio::post(co_await asio::this_coro::executor, [&] { server.open_connections.front()->close(); });
        const auto next = co_await connections.acquire({});
        EXPECT_EQ(next->backend_pid(), 2);
    });
}

TEST(pool_check, replaces_what_does_not_answer_within_the_same_acquire_and_what_was_silent_as_long)
{
    auto options = suspicious(3, 3);
    options.validation_timeout = 1ms;
    options.maximum_connecting = 1;
    std::vector<std::size_t> open_when_made;
    fake_server* seen = nullptr;
    options.hooks.on_connect = [&](physical_connection&) {
        open_when_made.push_back(seen == nullptr ? 0 : seen->open_connections.size());
        return settle(0);
    };
    const observe::capture log;
    with_pool(options, [&](fake_server& server, pool& connections) -> asio::awaitable<void> {
        seen = &server;
        for (auto* silent : server.open_connections)
            silent->hold_next("for ever");
        const auto next = co_await connections.acquire({});
        EXPECT_EQ(next->backend_pid(), 4);
        EXPECT_EQ(open_when_made.at(3), 1U) << "the silent ones are closed by then";
        co_await until([&] { return connections.stats().size == 3; });
        EXPECT_THAT(log.messages(), ElementsAre("an idle connection did not answer and was closed"))
            << "one caller waits for one of them";
        EXPECT_EQ(log.entries()[0].value("closed_with_it"), "2");
        for (const auto* now : server.open_connections)
            EXPECT_GT(now->backend_pid(), 3);
    });
}

TEST(pool_check, who_waits_for_one_takes_what_comes_back_first)
{
    with_pool(suspicious(2, 2), [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        auto mine = co_await connections.acquire({});
        for (auto* other : server.open_connections) {
            if (other->backend_pid() != mine->backend_pid())
                other->hold_next("later");
        }
        std::string log;
        test::gate end;
        asio::co_spawn(co_await asio::this_coro::executor, borrow(connections, log, end, "a"), asio::detached);
        co_await settle();
        EXPECT_EQ(log, "");
        const auto returned = std::to_string(mine->backend_pid());
        mine.reset();
        co_await settle();
        EXPECT_EQ(log, "a" + returned + ";");
        server.held("later").open();
        co_await settle();
        EXPECT_EQ(connections.stats().idle, 1U);
        end.open();
        co_await settle();
    });
}

TEST(pool_check, a_late_one_does_not_hold_back_who_could_have_a_new_connection)
{
    auto options = suspicious(1, 2);
    options.validation_timeout = 2s;
    with_pool(options, [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        server.open_connections.front()->hold_next("later");
        auto next = co_await connections.acquire({});
        EXPECT_EQ(next->backend_pid(), 2);
        EXPECT_EQ(connections.stats().size, 2U) << "the check goes on";
        server.held("later").open();
        co_await settle();
        EXPECT_EQ(connections.stats().idle, 1U);
    });
}

TEST(pool_check, a_caller_that_leaves_during_one_does_not_cost_the_connection)
{
    with_pool(suspicious(1, 1), [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        server.open_connections.front()->hold_next("later");
        EXPECT_THROW((void)co_await connections.acquire({}, pool::clock::now() + 1ms), pool_timeout);
        server.held("later").open();
        const auto next = co_await connections.acquire({});
        EXPECT_EQ(next->backend_pid(), 1);
    });
}

TEST(pool_check, a_wait_in_vain_names_the_check)
{
    with_pool(suspicious(2, 2), [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        for (auto* one : server.open_connections)
            one->hold_next("later");
        std::exception_ptr thrown;
        try {
            (void)co_await connections.acquire({}, pool::clock::now() + 1ms);
        }
        catch (...) {
            thrown = std::current_exception();
        }
        EXPECT_THAT(
            what_of(thrown),
            testing::MatchesRegex("pool 'main': no connection within [0-9]+ ms: 1 of at most 2 are in use, 0 are being "
                                  "made; held longest by check for [0-9]+ ms"));
        server.held("later").open();
    });
}

TEST(pool_check, one_under_way_does_not_hold_back_the_end)
{
    auto options = suspicious(1, 1);
    options.validation_timeout = 1h;
    const observe::capture told;
    with_pool(options, [&](fake_server& server, pool& connections) -> asio::awaitable<void> {
        server.open_connections.front()->hold_next("for ever");
        std::string log;
        test::gate end;
        asio::co_spawn(co_await asio::this_coro::executor, borrow(connections, log, end, "a"), asio::detached);
        co_await settle();
        co_await connections.close(100ms);
        co_await settle();
        EXPECT_EQ(log, "a(database 'main' is closing);");
        EXPECT_TRUE(told.messages().empty()) << "nothing had to be closed by force";
    });
}

TEST(pool_check, keeps_idle_connections_alive)
{
    auto options = sized(2, 2);
    options.keepalive_time = 1ms;
    with_pool(options, [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        co_await until([&] {
            return server.log().find("1:") != std::string::npos && server.log().find("2:") != std::string::npos;
        });
        EXPECT_EQ(connections.stats().size, 2U);
    });
}

TEST(pool_check, replaces_idle_connections_that_are_found_dead_without_a_caller)
{
    auto options = sized(1, 2);
    options.keepalive_time = 1ms;
    options.validation_timeout = 1ms;
    with_pool(options, [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        server.open_connections.front()->hold_next("for ever");
        co_await until([&] {
            return !server.open_connections.empty() && connections.stats().idle == 1 &&
                   server.open_connections.front()->backend_pid() > 1;
        });
    });
}

// --- time ------------------------------------------------------------------------------------------

TEST(pool_upkeep, lends_nothing_that_has_lived_long_enough)
{
    auto options = sized(1, 1);
    options.max_lifetime = 1ms;
    with_pool(options, [](fake_server&, pool& connections) -> asio::awaitable<void> {
        auto mine = co_await connections.acquire({});
        const auto first = mine->backend_pid();
        asio::steady_timer timer(co_await asio::this_coro::executor, 2ms);
        co_await timer.async_wait(asio::use_awaitable);
        EXPECT_TRUE(mine->is_open()) << "nobody's connection is taken away";
        mine.reset();
        mine = co_await connections.acquire({});
        EXPECT_GT(mine->backend_pid(), first);
    });
}

TEST(pool_upkeep, shrinks_to_its_minimum_and_not_below)
{
    auto options = sized(1, 3);
    options.idle_timeout = 1ms;
    with_pool(options, [](fake_server&, pool& connections) -> asio::awaitable<void> {
        {
            const auto first = co_await connections.acquire({});
            const auto second = co_await connections.acquire({});
            const auto third = co_await connections.acquire({});
            EXPECT_EQ(connections.stats().size, 3U);
        }
        connections.evict([](const physical_connection&) { return false; }); // looks at the clock before its time
        co_await until([&] { return connections.stats().size == 1; });
        co_await settle();
        EXPECT_EQ(connections.stats().size, 1U);
    });
}

TEST(pool_upkeep, opens_with_what_a_full_server_gives_and_works_with_it)
{
    const observe::capture log;
    fake_server server;
    test::run([&]() -> asio::awaitable<void> {
        server.connect_errors = {nullptr, nullptr};
        server.refusal = test::server_error_of("53300");
        pool connections(co_await asio::this_coro::executor, "main", sized(5, 5), server.make_connector());
        co_await connections.open();
        EXPECT_TRUE(connections.is_open());
        EXPECT_EQ(connections.stats().size, 2U);
        std::string order;
        test::gate end;
        const auto here = co_await asio::this_coro::executor;
        for (const char* name : {"a", "b", "c"})
            asio::co_spawn(here, borrow(connections, order, end, name), asio::detached);
        co_await settle();
        EXPECT_EQ(connections.stats().waiting, 1U) << "who waits is not told: it will be served";
        end.open();
        co_await settle();
        EXPECT_EQ(connections.stats().idle, 2U);
        EXPECT_THAT(order, HasSubstr("c"));
        EXPECT_THAT(order, testing::Not(HasSubstr("53300")));
        co_await connections.close(1s);
    });
}

TEST(pool_upkeep, cannot_be_opened_on_a_server_without_any_room)
{
    test::run([]() -> asio::awaitable<void> {
        fake_server server;
        server.refusal = test::server_error_of("53300");
        pool connections(co_await asio::this_coro::executor, "main", sized(2, 2), server.make_connector());
        EXPECT_THROW(co_await connections.open(), too_many_connections);
        EXPECT_FALSE(connections.is_open());
    });
}

TEST(pool_upkeep, forgets_the_connections_of_its_life_before)
{
    with_pool(sized(0, 3), [](fake_server&, pool& connections) -> asio::awaitable<void> {
        {
            const auto first = co_await connections.acquire({});
            const auto second = co_await connections.acquire({});
            const auto third = co_await connections.acquire({});
        }
        co_await connections.close(1s);
        co_await connections.open();
        EXPECT_EQ(connections.stats().size, 0U);
        EXPECT_EQ(connections.evict(), 0U);
        co_await connections.close(1s);
        co_await connections.open();
    });
}

// --- eviction and suspension -----------------------------------------------------------------------

TEST(pool_evict, closes_what_is_idle_now_and_what_is_lent_when_it_comes_back)
{
    with_pool(sized(3, 3), [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        auto mine = co_await connections.acquire({});
        EXPECT_EQ(connections.evict(), 3U);
        EXPECT_TRUE(mine->is_open());
        EXPECT_EQ(server.open_connections.size(), 1U);
        mine.reset();
        EXPECT_TRUE(server.open_connections.empty());
        co_await settle();
        EXPECT_EQ(connections.stats().idle, 3U) << "refilled";
        const auto next = co_await connections.acquire({});
        EXPECT_GT(next->backend_pid(), 3);
    });
}

TEST(pool_evict, chooses)
{
    with_pool(sized(3, 3), [](fake_server&, pool& connections) -> asio::awaitable<void> {
        EXPECT_EQ(connections.evict([](const physical_connection& one) { return one.backend_pid() == 2; }), 1U);
        EXPECT_EQ(connections.stats().idle, 2U);
        co_await settle();
        EXPECT_EQ(connections.stats().idle, 3U);
    });
}

TEST(pool_evict, takes_connections_that_are_being_made)
{
    with_pool(sized(0, 1), [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        server.connects.close();
        std::string log;
        test::gate end;
        end.open();
        asio::co_spawn(co_await asio::this_coro::executor, borrow(connections, log, end, "a"), asio::detached);
        co_await settle();
        EXPECT_EQ(server.connects_running, 1);
        EXPECT_EQ(connections.evict(), 0U);
        server.connects.open();
        co_await settle();
        EXPECT_EQ(log, "a2;") << "the one begun before is not lent";
    });
}

TEST(pool_evict, ends_a_connection_whose_choice_fails_when_it_is_made)
{
    with_pool(sized(0, 1), [](fake_server& server, pool& connections) -> asio::awaitable<void> {
        server.connects.close();
        std::string log;
        test::gate end;
        end.open();
        asio::co_spawn(co_await asio::this_coro::executor, borrow(connections, log, end, "a"), asio::detached);
        co_await settle();
        EXPECT_EQ(
            connections.evict([](const physical_connection&) -> bool { throw std::runtime_error("no choice"); }), 0U);
        server.connects.open();
        co_await settle();
        EXPECT_EQ(log, "a2;");
        EXPECT_EQ(connections.stats().connecting, 0U);
    });
}

TEST(pool_evict, reaches_a_connection_that_is_promised_but_not_taken)
{
    with_pool(sized(1, 1), [](fake_server&, pool& connections) -> asio::awaitable<void> {
        auto mine = co_await connections.acquire({});
        std::string log;
        test::gate end;
        end.open();
        const auto here = co_await asio::this_coro::executor;
        asio::co_spawn(here, borrow(connections, log, end, "a"), asio::detached);
        asio::co_spawn(here, borrow(connections, log, end, "b"), asio::detached);
        co_await settle();
        mine.reset(); // on its way to a
        EXPECT_EQ(connections.evict(), 1U);
        co_await settle();
        EXPECT_EQ(log, "a2;b2;") << "who has waited keeps its place";
    });
}

TEST(pool_suspend, callers_wait_until_it_ends_in_their_order)
{
    with_pool(sized(2, 2), [](fake_server&, pool& connections) -> asio::awaitable<void> {
        auto lent = co_await connections.acquire({});
        connections.suspend();
        EXPECT_TRUE(connections.is_suspended());
        EXPECT_FALSE(connections.try_acquire({}));
        EXPECT_TRUE(lent->is_open());
        std::string log;
        test::gate end;
        end.open();
        const auto here = co_await asio::this_coro::executor;
        for (const char* name : {"a", "b", "c"})
            asio::co_spawn(here, borrow(connections, log, end, name), asio::detached);
        lent.reset();
        co_await settle();
        EXPECT_EQ(log, "");
        EXPECT_EQ(connections.stats().waiting, 3U);
        connections.resume();
        EXPECT_FALSE(connections.is_suspended());
        co_await settle();
        std::erase_if(log, [](char c) { return c >= '0' && c <= '9'; });
        EXPECT_EQ(log, "a;b;c;");
    });
}

TEST(pool_suspend, a_wait_in_vain_says_so)
{
    auto options = sized(1, 1);
    options.acquire_timeout = 1ms;
    with_pool(options, [](fake_server&, pool& connections) -> asio::awaitable<void> {
        connections.suspend();
        std::exception_ptr thrown;
        try {
            (void)co_await connections.acquire({});
        }
        catch (const pool_timeout&) {
            thrown = std::current_exception();
        }
        EXPECT_THAT(
            what_of(thrown), testing::MatchesRegex("pool 'main': no connection within [0-9]+ ms: the pool is "
                                                   "suspended; 0 of 1 connections are in use"));
        connections.resume();
    });
}

TEST(pool_suspend, a_suspended_pool_can_be_closed)
{
    with_pool(sized(1, 1), [](fake_server&, pool& connections) -> asio::awaitable<void> {
        connections.suspend();
        std::string log;
        test::gate end;
        asio::co_spawn(co_await asio::this_coro::executor, borrow(connections, log, end, "a"), asio::detached);
        co_await settle();
        co_await connections.close(1h);
        co_await settle();
        EXPECT_EQ(log, "a(database 'main' is closing);");
        EXPECT_THROW(connections.suspend(), database_closed);
        co_await connections.open();
        EXPECT_FALSE(connections.is_suspended());
    });
}

// --- who has it ------------------------------------------------------------------------------------

TEST(pool_holders, are_named_with_the_place_of_their_call)
{
    with_pool(sized(1, 1), [](fake_server&, pool& connections) -> asio::awaitable<void> {
        const auto mine = co_await connections.acquire(usage::here("import"));
        std::exception_ptr thrown;
        try {
            (void)co_await connections.acquire({}, pool::clock::now() + 1ms);
        }
        catch (const pool_timeout&) {
            thrown = std::current_exception();
        }
        EXPECT_THAT(
            what_of(thrown),
            testing::MatchesRegex(".*held longest by session import at .*pool_upkeep_test.cpp:[0-9]+ for [0-9]+ ms"));
    });
}

TEST(pool_leaks, are_told_once_with_who_has_the_connection_and_again_when_it_comes_back)
{
    auto options = sized(2, 2);
    options.leak_detection = 1ms;
    const observe::capture log;
    with_pool(options, [&](fake_server&, pool& connections) -> asio::awaitable<void> {
        auto leaked = co_await connections.acquire(usage::here("import"));
        const char* const suspicion = "a connection was not given back in time: is it leaked?";
        co_await until([&] { return !log.messages().empty(); });
        EXPECT_THAT(log.messages(), ElementsAre(suspicion));
        EXPECT_THAT(log.entries()[0].value("held_by"), testing::StartsWith("session import at "));
        EXPECT_THAT(log.entries()[0].value("held_by"), HasSubstr("pool_upkeep_test.cpp:"));
        EXPECT_EQ(log.entries()[0].value("backend_pid"), std::to_string(leaked->backend_pid()));
        leaked.reset();
        EXPECT_THAT(log.messages(), ElementsAre(suspicion, "a connection that seemed leaked was given back"));
        EXPECT_EQ(log.entries()[1].value("held_by"), log.entries()[0].value("held_by"));

        auto another = co_await connections.acquire({});
        co_await until([&] { return log.messages().size() == 3; });
        another.discard();
        EXPECT_EQ(log.messages().size(), 4U);
    });
}

TEST(pool_leaks, are_not_looked_for_when_nobody_asked)
{
    const observe::capture log;
    with_pool(sized(1, 1), [&](fake_server&, pool& connections) -> asio::awaitable<void> {
        auto mine = co_await connections.acquire({});
        co_await settle();
        mine.reset();
        EXPECT_TRUE(log.entries().empty());
    });
}

} // namespace
} // namespace tradecore
