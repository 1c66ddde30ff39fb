// SPDX-License-Identifier: Apache-2.0
#include "support/network_gate.hpp"
#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/pg/connection.hpp>
#include <tradecore/pg/error.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using test::ending;
using test::flow;
using test::network_gate;
using test::traffic;
using mode = traffic::mode;

enum class way : std::uint8_t { socket, tcp };

/// The gate passes on what the real thing says, and does to it what it is told, and nothing else.
class gate_test : public testing::TestWithParam<way> {
protected:
    static std::string server() { return GetParam() == way::socket ? test::dsn() : test::tcp_dsn(); }

    template <class F>
    static void run(F body)
    {
        test::run([&]() -> asio::awaitable<void> {
            network_gate gate(co_await asio::this_coro::executor, server());
            co_await body(gate);
        });
    }

    static asio::awaitable<std::unique_ptr<pg::connection>> connect(network_gate& gate)
    {
        auto options = pg::connect_options::parse(gate.dsn());
        co_return co_await pg::connection::connect(co_await asio::this_coro::executor, options);
    }

    static asio::awaitable<std::string> ask(pg::connection& on)
    {
        try {
            co_return co_await on.fetchval<std::string>("SELECT $1::text", "an answer");
        }
        catch (const pg::error& failed) {
            co_return failed.code().message();
        }
    }
};

INSTANTIATE_TEST_SUITE_P(both, gate_test, testing::Values(way::socket, way::tcp), [](const auto& tried) {
    return tried.param == way::socket ? "socket" : "tcp";
});

TEST_P(gate_test, passes_everything_on)
{
    run([](network_gate& gate) -> asio::awaitable<void> {
        {
            auto on = co_await connect(gate);
            EXPECT_EQ(co_await ask(*on), "an answer");
            EXPECT_EQ(gate.accepted(), 1U);
            EXPECT_EQ(gate.open(), 1U);
            EXPECT_GT(gate.passed(flow::to_client), gate.passed(flow::to_server));
        }
        co_await gate.until([&] { return gate.open() == 0; });
    });
}

TEST_P(gate_test, slices_glues_and_cuts_at_a_text)
{
    run([](network_gate& gate) -> asio::awaitable<void> {
        gate.set({.piece = 1});
        auto on = co_await connect(gate);
        EXPECT_EQ(co_await ask(*on), "an answer");

        gate.set(flow::to_client, {.what = mode::hold});
        gate.when(flow::to_server, "an answer", [&](network_gate::link&) { gate.set(flow::to_client, {}); });
        EXPECT_EQ(co_await ask(*on), "an answer");

        gate.when(flow::to_client, "an answer", [&](network_gate::link& one) {
            EXPECT_GT(one.held(flow::to_client), 0U);
            one.end(ending::reset);
        });
        EXPECT_NE(co_await ask(*on), "an answer");
        EXPECT_FALSE(on->is_open());
        EXPECT_EQ(gate.open(), 0U);
    });
}

TEST_P(gate_test, holds_what_comes_late_and_drops_what_never_does)
{
    run([](network_gate& gate) -> asio::awaitable<void> {
        auto on = co_await connect(gate);
        gate.set({.what = mode::drop});
        const auto before = gate.passed(flow::to_server);
        on->close();
        co_await gate.until([&] { return gate.passed(flow::to_server) > before; });
        EXPECT_EQ(gate.open(), 1U) << "the server was not told";
        gate.set({});
        co_await gate.until([&] { return gate.open() == 0; });
    });
}

TEST_P(gate_test, cuts_after_a_number_of_bytes)
{
    run([](network_gate& gate) -> asio::awaitable<void> {
        for (const auto how : {ending::close, ending::reset}) {
            gate.on_link([&](network_gate::link& one) { one.set(flow::to_client, {.cut_after = 20, .cut_by = how}); });
            bool failed = false;
            try {
                (void)co_await connect(gate);
            }
            catch (const pg::error&) {
                failed = true;
            }
            EXPECT_TRUE(failed);
        }
        EXPECT_EQ(gate.passed(flow::to_client), 40U);
        EXPECT_EQ(gate.open(), 0U);
    });
}

TEST_P(gate_test, refuses_and_admits)
{
    run([](network_gate& gate) -> asio::awaitable<void> {
        auto before = co_await connect(gate);
        gate.refuse();
        boost::system::error_code why;
        try {
            (void)co_await connect(gate);
        }
        catch (const pg::connection_error& failed) {
            why = failed.cause();
        }
        EXPECT_EQ(why, asio::error::connection_refused);
        EXPECT_EQ(co_await ask(*before), "an answer");
        gate.admit();
        auto after = co_await connect(gate);
        EXPECT_EQ(co_await ask(*after), "an answer");
        EXPECT_EQ(gate.accepted(), 2U);
    });
}

TEST_P(gate_test, spoils_a_byte)
{
    run([](network_gate& gate) -> asio::awaitable<void> {
        auto on = co_await connect(gate);
        gate.when(flow::to_client, "an a", [](network_gate::link& one) {
            one.set(flow::to_client, {.corrupt_at = one.passed(flow::to_client)});
        });
        EXPECT_NE(co_await ask(*on), "an answer");
    });
}

} // namespace
} // namespace tradecore
