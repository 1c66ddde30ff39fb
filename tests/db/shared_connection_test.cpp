// SPDX-License-Identifier: Apache-2.0
#include "db/known_statements.hpp"
#include "db/support/shared_scene.hpp"

#include <tradecore/observe/capture.hpp>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::patient;
using test::scene;
using test::settle;
using test::with_scene;

/// Nothing that is answered at once takes that long.
constexpr std::chrono::milliseconds slow_machine{200};

TEST(shared_connection, gives_each_statement_a_connection_while_there_are_free_ones)
{
    with_scene(patient(2), [](scene& on) -> asio::awaitable<void> {
        on.call("SELECT 1");
        on.call("SELECT 2");
        co_await settle();
        EXPECT_EQ(on.server.queue(1) + "|" + on.server.queue(2), "SELECT 2|SELECT 1");
        on.server.answer(1);
        on.server.answer(2);
        co_await settle();
        EXPECT_EQ(on.ended, 2);
        EXPECT_EQ(on.main.statistics().pool.shared, 0U);
    });
}

TEST(shared_connection, sends_behind_each_other_what_finds_all_connections_busy)
{
    with_scene(patient(2), [](scene& on) -> asio::awaitable<void> {
        for (int i = 1; i <= 6; ++i)
            on.call("SELECT " + std::to_string(i));
        co_await settle();
        EXPECT_EQ(on.server.queue(1), "SELECT 2 SELECT 3 SELECT 5");
        EXPECT_EQ(on.server.queue(2), "SELECT 1 SELECT 4 SELECT 6");
        EXPECT_EQ(on.main.pool_stats().waiting, 0U);
        EXPECT_EQ(on.main.statistics().pool.shared, 4U);
        for (const int id : {1, 2, 1, 2, 1, 2}) {
            on.server.answer(id);
            co_await settle();
        }
        EXPECT_EQ(on.said, "SELECT 2;SELECT 1;SELECT 3;SELECT 4;SELECT 5;SELECT 6;");
        EXPECT_EQ(on.main.pool_stats().idle, 2U);
    });
}

TEST(shared_connection, is_not_shared_at_once_while_there_may_be_more_of_them)
{
    auto options = patient(2);
    options.pool.minimum = 1;
    with_scene(options, [](scene& on) -> asio::awaitable<void> {
        on.server.connects.close();
        on.call("SELECT 1");
        on.call("SELECT 2");
        on.call("SELECT 3");
        co_await settle();
        EXPECT_EQ(on.server.queue(1), "SELECT 1");
        EXPECT_EQ(on.main.pool_stats().connecting, 1U);
        EXPECT_EQ(on.main.pool_stats().waiting, 2U);
        on.server.answer(1);
        co_await settle();
        EXPECT_EQ(on.server.queue(1), "SELECT 2 SELECT 3") << "what becomes free first serves those who wait";
        on.server.connects.open();
        co_await settle();
        EXPECT_EQ(on.main.pool_stats().idle, 1U);
        on.server.answer(1);
        on.server.answer(1);
        co_await settle();
        EXPECT_EQ(on.ended, 3);
    });
}

TEST(shared_connection, gives_each_its_own_error)
{
    with_scene(patient(1), [](scene& on) -> asio::awaitable<void> {
        for (int i = 1; i <= 3; ++i)
            on.call("SELECT " + std::to_string(i));
        co_await settle();
        on.server.answer(1);
        on.server.answer(1, std::make_exception_ptr(pg::argument_error("does not fit")));
        on.server.answer(1);
        co_await settle();
        EXPECT_EQ(on.said, "SELECT 1;SELECT 2:does not fit;SELECT 3;");
    });
}

TEST(shared_connection, is_for_what_reads_and_for_what_was_declared_idempotent)
{
    with_scene(patient(1), [](scene& on) -> asio::awaitable<void> {
        on.call("SELECT 1");
        on.call("UPDATE a", {.idempotent = true});
        on.call("SHOW b", {.idempotent = true});
        on.call("SELECT mine(3)", {.only_reads = true});
        on.call("UPDATE e", {.timeout = 1h, .idempotent = true}); // given up in line it might be run nevertheless
        co_await settle();
        EXPECT_EQ(on.server.queue(1), "SELECT 1 UPDATE a SHOW b SELECT mine(3)");
        on.call("SELECT 2", {.alone = true});
        EXPECT_EQ(on.main.pool_stats().waiting, 2U);
        for (int i = 0; i < 4; ++i)
            on.server.answer(1);
        co_await settle();
        EXPECT_EQ(on.server.queue(1), "UPDATE e");
        on.server.answer(1);
        co_await settle();
        EXPECT_EQ(on.server.queue(1), "SELECT 2");
        on.call("UPDATE b");
        on.call("SET c = 1", {.idempotent = true}); // would be the others', too
        on.call("SELECT nextval('d')");             // may write
        co_await settle();
        for (const auto* each : {"SELECT 2", "UPDATE b", "SET c = 1", "SELECT nextval('d')"}) {
            EXPECT_EQ(on.server.queue(1), each);
            on.server.answer(1);
            co_await settle();
        }
        EXPECT_EQ(on.ended, 9);
    });
}

TEST(shared_connection, can_be_switched_off)
{
    auto options = patient(1);
    options.pool.sharing.enabled = false;
    with_scene(options, [](scene& on) -> asio::awaitable<void> {
        on.call("SELECT 1");
        on.call("SELECT 2");
        co_await settle();
        EXPECT_EQ(on.server.queue(1), "SELECT 1");
        on.server.answer(1);
        co_await settle();
        EXPECT_EQ(on.server.queue(1), "SELECT 2");
        on.server.answer(1);
        co_await settle();
        EXPECT_EQ(on.ended, 2);
    });
}

TEST(shared_connection, lets_nobody_overtake_who_waits_for_a_connection_alone)
{
    with_scene(patient(1), [](scene& on) -> asio::awaitable<void> {
        test::gate until;
        on.call("SELECT 1");
        on.call("SELECT 2");
        co_await settle();
        asio::co_spawn(on.executor, scene::transact(on, until), asio::detached);
        co_await settle();
        on.call("SELECT 3");
        on.call("SELECT 4");
        co_await settle();
        EXPECT_EQ(on.server.queue(1), "SELECT 1 SELECT 2");
        EXPECT_EQ(on.main.pool_stats().waiting, 3U);
        on.server.answer(1);
        co_await settle();
        EXPECT_EQ(on.server.queue(1), "SELECT 2") << "nothing more is sent while a transaction waits";
        on.server.answer(1);
        co_await settle();
        EXPECT_EQ(on.said, "SELECT 1;SELECT 2;inside;");
        until.open();
        co_await settle();
        EXPECT_EQ(on.said, "SELECT 1;SELECT 2;inside;done;");
        EXPECT_EQ(on.server.queue(1), "SELECT 3 SELECT 4") << "those who waited behind it go together";
        on.server.answer(1);
        on.server.answer(1);
        co_await settle();
        EXPECT_EQ(on.ended, 5);
    });
}

TEST(shared_connection, takes_as_many_of_those_who_wait_as_are_its_part)
{
    with_scene(patient(2), [](scene& on) -> asio::awaitable<void> {
        on.call("SELECT 0");
        co_await settle();
        on.server.answer(2); // it is known to be quick now
        co_await settle();
        test::gate first;
        test::gate second;
        asio::co_spawn(on.executor, scene::transact(on, first), asio::detached);
        asio::co_spawn(on.executor, scene::transact(on, second), asio::detached);
        co_await settle();
        for (int i = 1; i <= 6; ++i)
            on.call("SELECT 0");
        co_await settle();
        EXPECT_EQ(on.main.pool_stats().waiting, 6U) << "no connection is shared with a transaction";
        first.open();
        co_await settle();
        // The other connection is a transaction's for as long as that likes.
        EXPECT_EQ(on.main.pool_stats().waiting, 0U);
        EXPECT_EQ(on.main.statistics().pool.shared, 5U);
        second.open();
        co_await settle();
        for (int i = 0; i < 6; ++i)
            on.server.answer(on.server.queue(1).empty() ? 2 : 1);
        co_await settle();
        EXPECT_EQ(on.ended, 9);
    });
}

TEST(shared_connection, has_a_window)
{
    auto options = patient(1);
    options.pool.sharing.window = 2;
    with_scene(options, [](scene& on) -> asio::awaitable<void> {
        for (int i = 1; i <= 4; ++i)
            on.call("SELECT " + std::to_string(i));
        co_await settle();
        EXPECT_EQ(on.server.queue(1), "SELECT 1 SELECT 2");
        on.server.answer(1);
        co_await settle();
        EXPECT_EQ(on.server.queue(1), "SELECT 2 SELECT 3") << "it slides";
        for (int i = 0; i < 3; ++i) {
            on.server.answer(1);
            co_await settle();
        }
        EXPECT_EQ(on.ended, 4);
    });
}

TEST(shared_connection, is_left_to_the_others_by_who_is_cancelled)
{
    with_scene(patient(1), [](scene& on) -> asio::awaitable<void> {
        asio::cancellation_signal cancel;
        on.call("SELECT 1");
        on.call("SELECT 2", {}, &cancel);
        on.call("SELECT 3");
        co_await settle();
        cancel.emit(asio::cancellation_type::terminal);
        co_await settle();
        EXPECT_EQ(on.server.queue(1), "SELECT 1 SELECT 2* SELECT 3");
        for (int i = 0; i < 3; ++i)
            on.server.answer(1);
        co_await settle();
        EXPECT_TRUE(on.said.ends_with("SELECT 1;SELECT 3;")) << on.said;
        EXPECT_EQ(on.main.pool_stats().idle, 1U);
    });
}

TEST(shared_connection, that_is_stuck_gives_back_who_is_behind_to_their_place_in_line)
{
    auto options = patient(2);
    options.pool.sharing.patience = slow_machine;
    with_scene(options, [](scene& on) -> asio::awaitable<void> {
        on.call("SELECT slow");
        on.call("UPDATE alone");
        co_await settle();
        EXPECT_EQ(on.server.queue(2) + "|" + on.server.queue(1), "SELECT slow|UPDATE alone");
        on.call("SELECT other");
        on.call("SELECT slow", {.idempotent = true});
        while (on.server.sent_away < 2)
            co_await settle(1); // the pool's timer fires
        co_await settle();
        EXPECT_EQ(on.server.queue(2), "SELECT slow SELECT other* SELECT slow*");
        EXPECT_EQ(on.main.pool_stats().waiting, 2U);
        on.call("SELECT later");
        co_await settle();
        EXPECT_EQ(on.main.pool_stats().waiting, 3U);
        on.server.answer(1);
        co_await settle();
        EXPECT_EQ(on.server.queue(1), "SELECT other") << "before what came later, and alone";
        on.server.answer(1);
        co_await settle();
        EXPECT_EQ(on.server.queue(1), "SELECT slow");
        on.server.answer(1);
        co_await settle();
        EXPECT_EQ(on.server.queue(1), "SELECT later");
        on.server.answer(1);
        for (int i = 0; i < 3; ++i)
            on.server.answer(2); // at last
        co_await settle();
        while (on.main.pool_stats().idle < 2) {
            if (!on.server.queue(2).empty())
                on.server.answer(2); // the pool makes sure that nothing is left of those
            co_await settle(1);
        }
        EXPECT_EQ(on.main.statistics().pool.sent_away, 2U);
        EXPECT_EQ(on.ended, 5);
        EXPECT_EQ(on.said.find(':'), std::string::npos) << on.said;
    });
}

TEST(shared_connection, keeps_writes_where_they_are_when_it_is_stuck)
{
    auto options = patient(1);
    options.pool.sharing.patience = slow_machine;
    with_scene(options, [](scene& on) -> asio::awaitable<void> {
        on.call("SELECT 1");
        on.call("UPDATE a", {.idempotent = true});
        on.call("SELECT 1");
        while (on.server.sent_away < 1)
            co_await settle(1);
        co_await settle();
        // Run later than its caller believes it could undo what that does next.
        EXPECT_EQ(on.server.queue(1), "SELECT 1 UPDATE a SELECT 1*");
        on.server.answer(1);
        on.server.answer(1);
        on.server.answer(1);
        while (on.ended < 3) {
            if (!on.server.queue(1).empty())
                on.server.answer(1);
            co_await settle(1);
        }
        EXPECT_EQ(on.said.find(':'), std::string::npos) << on.said;
    });
}

/// @returns a write of which everything is forgotten when `other` is met.
std::string write_in_place_of(const std::string& other)
{
    detail::known_statements known;
    for (int i = 0;; ++i) {
        auto write = fmt::format("UPDATE t SET a = {}", i);
        if (&known.find(runtime_sql(write).text()) == &known.find(runtime_sql(other).text()))
            return write;
    }
}

TEST(shared_connection, is_not_for_a_write_that_is_repeated_when_its_place_is_a_readers)
{
    auto options = patient(1);
    options.retries.conflict.first_at_once = false; // while it pauses the reader gets the connection
    options.retries.conflict.backoff = {.base = 1ms, .cap = 1ms};
    with_scene(options, [](scene& on) -> asio::awaitable<void> {
        on.call(write_in_place_of("SELECT 1"));
        co_await settle();
        on.call("SELECT 1");
        co_await settle();
        on.server.answer(1, test::server_error_of("40001"));
        co_await test::until([&] { return on.server.queue(1) == "SELECT 1"; });
        co_await test::until(
            [&] { return on.main.pool_stats().waiting == 1U || on.main.statistics().pool.shared > 0; });
        EXPECT_EQ(on.server.queue(1), "SELECT 1");
        EXPECT_EQ(on.main.statistics().pool.shared, 0U);
        on.server.answer(1);
        co_await settle();
        on.server.answer(1);
        co_await settle();
        EXPECT_EQ(on.ended, 2);
    });
}

TEST(shared_connection, asks_the_pools_hooks_once)
{
    auto options = patient(1);
    int taken = 0;
    int given = 0;
    options.pool.hooks.on_acquire = [&](physical_connection&) { return ++taken > 0; };
    options.pool.hooks.on_release = [&](physical_connection&) { return ++given > 0; };
    with_scene(options, [&](scene& on) -> asio::awaitable<void> {
        const int before = given;
        for (int i = 1; i <= 3; ++i)
            on.call("SELECT " + std::to_string(i));
        co_await settle();
        for (int i = 0; i < 3; ++i) {
            on.server.answer(1);
            co_await settle();
        }
        EXPECT_EQ(taken, 1);
        EXPECT_EQ(given - before, 1);
    });
}

TEST(shared_connection, takes_nobody_from_the_line_while_a_request_to_cancel_is_under_way_on_it)
{
    auto options = patient(1);
    options.pool.sharing.window = 2;
    with_scene(options, [](scene& on) -> asio::awaitable<void> {
        for (int i = 1; i <= 3; ++i)
            on.call("SELECT " + std::to_string(i));
        co_await settle();
        EXPECT_EQ(on.main.pool_stats().waiting, 1U);
        on.server.settle(1, true);
        on.server.answer(1);
        co_await settle();
        EXPECT_EQ(on.server.queue(1), "SELECT 2");
        EXPECT_EQ(on.main.pool_stats().waiting, 1U);
        on.server.settle(1, false);
        on.server.answer(1);
        co_await settle();
        EXPECT_EQ(on.server.queue(1), "SELECT 3");
        on.server.answer(1);
        co_await settle();
        EXPECT_EQ(on.ended, 3);
    });
}

TEST(shared_connection, may_be_shared_by_what_is_repeated_for_its_own_sake)
{
    auto options = patient(1);
    options.retries.conflict.max_attempts = 2; // at once
    with_scene(options, [](scene& on) -> asio::awaitable<void> {
        for (int i = 1; i <= 3; ++i)
            on.call("SELECT " + std::to_string(i));
        co_await settle();
        on.server.answer(1, test::server_error_of("40001"));
        co_await settle();
        EXPECT_EQ(on.server.queue(1), "SELECT 2 SELECT 3 SELECT 1");
        EXPECT_EQ(on.main.pool_stats().waiting, 0U);
        for (int i = 0; i < 3; ++i) {
            on.server.answer(1);
            co_await settle();
        }
        EXPECT_EQ(on.said, "SELECT 2;SELECT 3;SELECT 1;");
    });
}

TEST(shared_connection, that_is_evicted_takes_no_more_and_ends_with_the_last)
{
    with_scene(patient(1), [](scene& on) -> asio::awaitable<void> {
        on.call("SELECT 1");
        on.call("SELECT 2");
        co_await settle();
        EXPECT_EQ(on.main.pool().evict(), 1U);
        on.call("SELECT 3");
        co_await settle();
        EXPECT_EQ(on.server.queue(1), "SELECT 1 SELECT 2");
        on.server.answer(1);
        on.server.answer(1);
        co_await settle();
        EXPECT_EQ(on.server.made(), 2U);
        EXPECT_EQ(on.server.queue(2), "SELECT 3");
        on.server.answer(2);
        co_await settle();
        EXPECT_EQ(on.ended, 3);
    });
}

TEST(shared_connection, says_who_shares_it_when_somebody_waits_in_vain)
{
    auto options = patient(1);
    options.pool.acquire_timeout = 5ms;
    with_scene(options, [](scene& on) -> asio::awaitable<void> {
        on.call("SELECT 1");
        on.call("SELECT 2");
        on.call("SELECT 3");
        co_await settle();
        on.call("UPDATE a");
        while (on.ended == 0)
            co_await settle(1); // the pool's timer fires
        EXPECT_NE(on.said.find("held longest by statement SELECT 1 at "), std::string::npos) << on.said;
        EXPECT_NE(on.said.find(" with 2 more for "), std::string::npos) << on.said;
        on.server.answer(1);
        co_await settle();
        on.said.clear();
        on.call("UPDATE a");
        while (on.ended < 3)
            co_await settle(1);
        EXPECT_NE(on.said.find("held longest by statement SELECT 2 at "), std::string::npos) << "it is in front now";
        EXPECT_NE(on.said.find(" with 1 more for "), std::string::npos) << on.said;
        on.server.answer(1);
        on.server.answer(1);
        co_await settle();
    });
}

TEST(shared_connection, names_the_one_that_runs_when_it_seems_leaked)
{
    auto options = patient(1);
    options.pool.leak_detection = 1ms;
    const observe::capture log;
    with_scene(options, [&](scene& on) -> asio::awaitable<void> {
        on.call("SELECT 1");
        on.call("SELECT 2");
        const auto told = [&](std::size_t lines) -> asio::awaitable<void> {
            while (log.entries().size() < lines)
                co_await settle(1); // the pool's timer fires
        };
        co_await told(1);
        EXPECT_TRUE(log.entries()[0].value("held_by").starts_with("statement SELECT 1 at "));
        on.server.answer(1);
        co_await told(3);
        EXPECT_EQ(log.entries()[1].message, "a connection that seemed leaked was given back");
        EXPECT_EQ(log.entries()[1].value("held_by"), log.entries()[0].value("held_by"));
        EXPECT_TRUE(log.entries()[2].value("held_by").starts_with("statement SELECT 2 at "));
        on.server.answer(1);
        co_await settle();
        EXPECT_EQ(log.entries().size(), 4U);
    });
}

TEST(shared_connection, says_who_is_in_front_and_not_who_was_sent_away_from_behind)
{
    auto options = patient(1);
    options.pool.sharing.patience = 1ms;
    options.pool.acquire_timeout = 5ms;
    with_scene(options, [](scene& on) -> asio::awaitable<void> {
        on.call("SELECT slow");
        on.call("SELECT other");
        while (on.ended == 0)
            co_await settle(1); // the pool's timers fire
        EXPECT_EQ(on.server.sent_away, 1);
        EXPECT_TRUE(on.said.starts_with("SELECT other:")) << on.said;
        EXPECT_NE(on.said.find("held longest by statement SELECT slow at "), std::string::npos) << on.said;
        on.server.answer(1);
        co_await settle();
    });
}

TEST(shared_connection, survives_whatever_happens_in_any_order)
{
    const char* const chosen = std::getenv("TRADECORE_SEED");
    const auto seed = chosen != nullptr ? std::stoul(chosen) : std::random_device()();
    SCOPED_TRACE("TRADECORE_SEED=" + std::to_string(seed));
    std::mt19937 random(static_cast<std::mt19937::result_type>(seed));
    const auto below = [&random](int most) { return std::uniform_int_distribution<>(0, most - 1)(random); };
    for (int game = 0; game < 20; ++game) {
        auto options = patient(1 + static_cast<std::size_t>(below(3)));
        options.pool.minimum = static_cast<std::size_t>(below(2));
        options.pool.sharing.patience = below(2) == 0 ? 1ms : 1h;
        options.pool.sharing.window = 1 + static_cast<std::size_t>(below(5));
        options.breaker_enabled = false;
        with_scene(options, [&](scene& on) -> asio::awaitable<void> {
            int calls = 0;
            std::deque<asio::cancellation_signal> signals;
            std::vector<std::unique_ptr<test::gate>> gates;
            for (int step = 0; step < 300; ++step) {
                switch (below(10)) {
                case 0: {
                    gates.push_back(std::make_unique<test::gate>());
                    ++calls;
                    asio::co_spawn(on.executor, scene::transact(on, *gates.back()), asio::detached);
                    break;
                }
                case 1:
                    if (!gates.empty())
                        gates[static_cast<std::size_t>(below(static_cast<int>(gates.size())))]->open();
                    break;
                case 2:
                    if (!signals.empty())
                        signals[static_cast<std::size_t>(below(static_cast<int>(signals.size())))].emit(
                            asio::cancellation_type::terminal);
                    break;
                case 3:
                    if (below(8) == 0 && on.server.made() > 0)
                        on.server.lose(1 + below(static_cast<int>(on.server.made())));
                    break;
                case 4:
                case 5:
                case 6: {
                    ++calls;
                    const auto kind = below(4);
                    on.call(
                        kind == 0 ? "UPDATE a" : "SELECT " + std::to_string(below(3)), {.idempotent = below(2) == 0},
                        &signals.emplace_back());
                    break;
                }
                default:
                    for (std::size_t id = 1; id <= on.server.made(); ++id) {
                        if (below(2) == 0 && !on.server.queue(static_cast<int>(id)).empty())
                            on.server.answer(static_cast<int>(id));
                    }
                }
                co_await settle(below(4));
                const auto numbers = on.main.pool_stats();
                EXPECT_LE(numbers.size + numbers.connecting, numbers.maximum);
            }
            for (const auto& each : gates)
                each->open();
            while (on.main.pool_stats().active > 0 || on.main.pool_stats().waiting > 0) {
                for (std::size_t id = 1; id <= on.server.made(); ++id) {
                    if (!on.server.queue(static_cast<int>(id)).empty())
                        on.server.answer(static_cast<int>(id));
                }
                co_await settle(1);
            }
            co_await settle();
            EXPECT_LE(on.ended, calls);
        });
    }
}

} // namespace
} // namespace tradecore
