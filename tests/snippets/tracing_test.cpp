// SPDX-License-Identifier: Apache-2.0
// The code of docs/tracing.md, run against a real server.
#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/db/trace.hpp>
#include <tradecore/observe/log.hpp>
#include <tradecore/observe/tracer.hpp>

#include <boost/asio/this_coro.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
namespace observe = tradecore::observe;

std::vector<std::string> lines;

// [tracer]
class line_for_each_span final : public observe::tracer {
public:
    std::unique_ptr<observe::span> start(const observe::span_start& what) noexcept override
    {
        return std::make_unique<one>(what, random_());
    }

private:
    class one final : public observe::span {
    public:
        one(const observe::span_start& what, std::uint64_t id) : name_(what.name)
        {
            context_ = what.parent != nullptr ? *what.parent : observe::trace_context{.trace_id = {1}};
            for (auto& byte : context_.span_id)
                byte = static_cast<std::uint8_t>(std::exchange(id, id >> 8U) | 1U);
        }
        const observe::trace_context& context() const noexcept override { return context_; }
        void event(std::string_view name, std::span<const observe::field>) noexcept override { name_ += name; }
        void end(const observe::span_end& outcome) noexcept override
        {
            lines.push_back(name_ + (outcome.failed ? " failed " : " ") + observe::to_traceparent(context_));
        }

    private:
        std::string name_;
        observe::trace_context context_;
    };

    std::mt19937_64 random_{std::random_device()()};
};
// [/tracer]

// [use]
asio::awaitable<void> serve(tradecore::database& db, std::string_view traceparent)
{
    const auto handle = [&]() -> asio::awaitable<void> {
        co_await db.execute("UPDATE users SET last_login = now() WHERE id = $1", 7);
    };
    const auto trace = observe::parse_traceparent(traceparent);
    if (trace)
        co_await tradecore::in_trace(*trace, handle);
    else
        co_await handle(); // begins a trace of its own
}
// [/use]

TEST(tracing, its_code_does_what_it_says)
{
    const tradecore::test::scratch_database scratch;
    scratch.run("CREATE TABLE users (id int PRIMARY KEY, last_login timestamptz)");
    tradecore::test::run([&]() -> asio::awaitable<void> {
        tradecore::database_options options;
        options.connect = tradecore::pg::connect_options::parse(scratch.dsn());
        options.pool.minimum = 1;
        // [options]
        options.tracer = std::make_shared<line_for_each_span>();
        // [/options]
        // [comment]
        options.propagate_trace = tradecore::trace_propagation::sql_comment;
        // [/comment]
        tradecore::database db(co_await asio::this_coro::executor, options);
        co_await db.open();
        co_await serve(db, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        co_await serve(db, "nonsense");
        const auto show = [&]() -> asio::awaitable<void> {
            const auto sent = co_await db.fetchval<std::string>("SELECT current_query()");
            EXPECT_TRUE(sent.starts_with("SELECT current_query() /*traceparent='00-4bf92f3577b34da6")) << sent;
        };
        const auto request = observe::parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        co_await tradecore::in_trace(request.value(), show);
        co_await db.close();
    });
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_TRUE(lines[0].starts_with("UPDATE users 00-4bf92f3577b34da6a3ce929d0e0e4736-")) << lines[0];
    EXPECT_TRUE(lines[1].starts_with("UPDATE users 00-01000000000000000000000000000000-")) << lines[1];
}

} // namespace
