// SPDX-License-Identifier: Apache-2.0
#include "db/support/retry_world.hpp"
#include "support/run.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/errors.hpp>
#include <tradecore/observe/capture.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <exception>
#include <stdexcept>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::error_of;
using test::fake_server;
using test::is;
using test::refused;
using test::say;
using test::what_of;
using test::without_breaker;
using testing::HasSubstr;
using world = test::retry_world;

/// Two databases; a body in `main` that fails once with a conflict, after `elsewhere` was done.
struct two_worlds {
    fake_server main_server;
    fake_server vb_server;
    test::virtual_time time;
    int bodies = 0;
    std::exception_ptr error;

    template <class F>
    void run(F elsewhere, transaction_options options = {})
    {
        test::run([&]() -> asio::awaitable<void> {
            const auto here = co_await asio::this_coro::executor;
            auto vb_options = without_breaker();
            vb_options.name = "vb";
            database main(here, without_breaker(), main_server.make_connector(), time.source());
            database vb(here, vb_options, vb_server.make_connector(), time.source());
            co_await main.open();
            co_await vb.open();
            error = co_await error_of(main.transaction(
                [&]() -> asio::awaitable<void> {
                    ++bodies;
                    co_await elsewhere(main, vb);
                    if (bodies == 1)
                        co_await say(main, "FAIL 40001");
                },
                options));
            co_await main.close(10s);
            co_await vb.close(10s);
        });
    }
};

TEST(retry, does_not_repeat_a_body_that_wrote_on_another_database)
{
    two_worlds w;
    const observe::capture log;
    w.run([](database&, database& vb) -> asio::awaitable<void> { co_await say(vb, "INSERT"); });
    EXPECT_EQ(w.bodies, 1);
    EXPECT_TRUE(is<serialization_failure>(w.error));
    EXPECT_THAT(
        what_of(w.error),
        testing::EndsWith("(1 attempt, no more because its body wrote outside of the transaction, and "
                          "is not declared idempotent: a statement on 'vb')"));
    EXPECT_THAT(log.messages(observe::level::warn), testing::Contains("a call on main is given up"));
}

TEST(retry, does_not_repeat_a_body_that_wrote_outside_or_committed_there)
{
    {
        two_worlds w;
        w.run([](database& main, database&) -> asio::awaitable<void> {
            co_await main.outside([&main]() -> asio::awaitable<void> { co_await say(main, "INSERT"); });
        });
        EXPECT_EQ(w.bodies, 1);
        EXPECT_THAT(what_of(w.error), HasSubstr("a statement on 'main'"));
    }
    {
        two_worlds w;
        w.run([](database&, database& vb) -> asio::awaitable<void> {
            co_await vb.transaction([&vb]() -> asio::awaitable<void> { co_await say(vb, "INSERT"); });
        });
        EXPECT_EQ(w.bodies, 1);
        EXPECT_THAT(what_of(w.error), HasSubstr("a transaction on 'vb'"));
    }
    {
        two_worlds w;
        w.run([](database& main, database&) -> asio::awaitable<void> {
            co_await main.outside([&main]() -> asio::awaitable<void> { co_await main.run_script("INSERT"); });
        });
        EXPECT_EQ(w.bodies, 1);
        EXPECT_THAT(what_of(w.error), HasSubstr("a script on 'main'"));
    }
}

TEST(retry, repeats_a_body_that_changed_nothing_elsewhere)
{
    // It only read.
    {
        two_worlds w;
        w.run([](database& main, database& vb) -> asio::awaitable<void> {
            co_await say(vb, "SELECT 1");
            co_await vb.transaction(
                [&vb]() -> asio::awaitable<void> { co_await say(vb, "SELECT f()"); }, {.read_only = true});
            co_await main.outside([&main]() -> asio::awaitable<void> { co_await say(main, "TABLE t"); });
        });
        EXPECT_EQ(w.bodies, 2);
        EXPECT_FALSE(w.error) << what_of(w.error);
    }
    // So did a transaction of its own, as its statements and the server say.
    {
        two_worlds w;
        w.vb_server.incarnation = "1 / then / then";
        w.run([](database&, database& vb) -> asio::awaitable<void> {
            co_await vb.transaction([&vb]() -> asio::awaitable<void> { co_await say(vb, "SELECT 1"); });
        });
        EXPECT_EQ(w.bodies, 2);
        EXPECT_FALSE(w.error) << what_of(w.error);
    }
    // What it wrote was rolled back.
    {
        two_worlds w;
        w.run([](database&, database& vb) -> asio::awaitable<void> {
            (void)co_await error_of(vb.transaction([&vb]() -> asio::awaitable<void> {
                co_await say(vb, "INSERT");
                throw std::logic_error("no");
            }));
        });
        EXPECT_EQ(w.bodies, 2);
    }
    // Nothing was sent.
    {
        two_worlds w;
        w.vb_server.refusal = refused();
        w.run([](database&, database& vb) -> asio::awaitable<void> { (void)co_await error_of(say(vb, "INSERT")); });
        EXPECT_EQ(w.bodies, 2);
    }
}

TEST(retry, repeats_a_body_that_wrote_elsewhere_when_that_is_declared_idempotent)
{
    two_worlds w;
    w.run([](database&, database& vb) -> asio::awaitable<void> { co_await say(vb, "INSERT"); }, {.idempotent = true});
    EXPECT_EQ(w.bodies, 2);
    EXPECT_FALSE(w.error);
}

TEST(retry, counts_what_a_body_does_in_the_transaction_around_it_as_outside)
{
    world outer;
    fake_server inner_server;
    outer.run([&](database& main) -> asio::awaitable<void> {
        database vb(
            co_await asio::this_coro::executor, without_breaker(), inner_server.make_connector(), outer.time.source());
        co_await vb.open();
        int bodies = 0;
        co_await main.transaction([&]() -> asio::awaitable<void> {
            const auto error = co_await error_of(vb.transaction([&]() -> asio::awaitable<void> {
                ++bodies;
                co_await say(main, "INSERT"); // is not rolled back with vb's transaction
                co_await say(vb, "FAIL 40001");
            }));
            EXPECT_THAT(what_of(error), HasSubstr("a statement on 'main'"));
        });
        EXPECT_EQ(bodies, 1);
        co_await vb.close(10s);
    });
}

} // namespace
} // namespace tradecore
