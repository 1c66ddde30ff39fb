// SPDX-License-Identifier: Apache-2.0
#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/pg/connection.hpp>
#include <tradecore/pg/trace.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace tradecore;
using test::run;
namespace asio = boost::asio;

class recording : public pg::tracer {
public:
    void on_message(direction way, char type, std::size_t bytes) noexcept override
    {
        (way == direction::sent ? sent : received) += type;
        bytes_of[type] = bytes;
    }
    void on_query_start(const pg::query_trace& query) noexcept override { started.emplace_back(query.text); }
    void on_query_end(const pg::query_trace& query) noexcept override
    {
        ended.push_back(
            std::string(query.label) + " " + std::to_string(query.rows) + " " +
            (query.error_code ? query.error_code.message() : "ok"));
        codes.push_back(query.error_code);
        took.push_back(query.duration);
    }

    std::string sent;
    std::string received;
    std::map<char, std::size_t> bytes_of;
    std::vector<std::string> started;
    std::vector<std::string> ended;
    std::vector<boost::system::error_code> codes;
    std::vector<std::chrono::steady_clock::duration> took;
};

asio::awaitable<std::unique_ptr<pg::connection>> connect(std::shared_ptr<recording> trace)
{
    auto options = pg::connect_options::parse(test::dsn());
    options.trace = std::move(trace);
    co_return co_await pg::connection::connect(co_await asio::this_coro::executor, options);
}

TEST(trace, tells_of_messages_and_queries)
{
    run([]() -> asio::awaitable<void> {
        const auto trace = std::make_shared<recording>();
        const auto db = co_await connect(trace);
        EXPECT_EQ(trace->sent, "");
        co_await db->fetch("SELECT generate_series(1, 3)");
        EXPECT_EQ(trace->sent, "PDSBES");
        EXPECT_EQ(trace->received, "1tTZ2DDDCZ");
        EXPECT_EQ(trace->bytes_of['Z'], 6U);
        co_await db->run_script({"SELECT 1; SELECT 2", nullptr});
        EXPECT_EQ(trace->sent, "PDSBESQ");
        EXPECT_THROW((void)co_await db->fetchval<int>("SELECT 1 / 0"), pg::division_by_zero);
        EXPECT_EQ(
            trace->started,
            (std::vector<std::string>{"SELECT generate_series(1, 3)", "SELECT 1; SELECT 2", "SELECT 1 / 0"}));
        EXPECT_EQ(trace->ended.size(), 3U);
        trace->ended.resize(3);
        EXPECT_EQ(trace->ended[0], "FETCH 3 ok");
        EXPECT_EQ(trace->ended[1], "SCRIPT 2 ok");
        EXPECT_TRUE(trace->ended[2].starts_with("FETCHVAL 0 ")) << trace->ended[2];
        EXPECT_FALSE(trace->ended[2].ends_with("ok"));
        for (const auto took : trace->took)
            EXPECT_GT(took.count(), 0);
    });
}

TEST(trace, tells_of_batches_and_many_rows)
{
    run([]() -> asio::awaitable<void> {
        const auto trace = std::make_shared<recording>();
        const auto db = co_await connect(trace);
        pg::batch todo;
        (void)todo.add_rows<int>("SELECT 1");
        (void)todo.add_rows<int>("SELECT 2");
        (co_await db->run(std::move(todo))).require_success();
        EXPECT_EQ(co_await db->execute_many("SELECT $1::int", std::vector{1, 2, 3}), 3U);
        pg::batch failing;
        (void)failing.add_rows<int>("SELECT 1 / 0");
        (void)co_await db->run(std::move(failing));
        EXPECT_EQ(trace->started, (std::vector<std::string>{"SELECT 1; SELECT 2", "SELECT $1::int", "SELECT 1 / 0"}));
        EXPECT_EQ(trace->ended.size(), 3U);
        trace->ended.resize(3);
        EXPECT_EQ(trace->ended[0], "BATCH 0 ok");
        EXPECT_EQ(trace->ended[1], "EXECUTE_MANY 3 ok");
        EXPECT_FALSE(trace->ended[2].ends_with("ok"));
    });
}

TEST(trace, tells_of_cursors_and_copies_from_their_begin_to_their_end)
{
    run([]() -> asio::awaitable<void> {
        const auto trace = std::make_shared<recording>();
        const auto db = co_await connect(trace);
        {
            auto rows = co_await db->cursor<int>(pg::cursor_options{.rows = 2}, "SELECT generate_series(1, 5)");
            EXPECT_EQ(trace->started, std::vector<std::string>{"SELECT generate_series(1, 5)"});
            while (!(co_await rows.next()).empty())
                EXPECT_TRUE(trace->ended.empty());
        }
        {
            auto rows = co_await db->cursor<int>(pg::cursor_options{.rows = 2}, "SELECT generate_series(1, 5)");
            (void)co_await rows.next();
            co_await rows.close();
        }
        co_await db->execute("CREATE TEMP TABLE t (id int PRIMARY KEY)");
        EXPECT_EQ(co_await db->copy_in("t", {"id"}, std::vector{1, 2, 3}), 3U);
        auto numbers = co_await db->copy_out<int>("SELECT id FROM t");
        while (!(co_await numbers.next()).empty())
            EXPECT_EQ(trace->ended.size(), 4U);
        auto text = co_await db->copy_out_stream("COPY t TO STDOUT");
        while (!(co_await text.read()).empty()) {
        }
        EXPECT_EQ(
            trace->ended, (std::vector<std::string>{
                              "CURSOR 5 ok", "CURSOR 2 ok", "EXECUTE 0 ok", "COPY 3 ok", "COPY 3 ok", "COPY 3 ok"}));
        EXPECT_EQ(trace->started.size(), 6U);
        EXPECT_EQ(trace->started.back(), "COPY t TO STDOUT");
    });
}

/// What is told of a verb that fails: at its begin, in its course, because it is given up.
asio::awaitable<boost::system::error_code> told_of(std::function<asio::awaitable<void>(pg::connection&)> verb)
{
    const auto trace = std::make_shared<recording>();
    const auto db = co_await connect(trace);
    co_await db->run_script({"CREATE TEMP TABLE t (id int PRIMARY KEY)", nullptr});
    try {
        co_await verb(*db);
    }
    catch (const pg::server_error&) {
        // What is told of it matters here.
    }
    EXPECT_EQ(trace->started.size(), 2U);
    EXPECT_EQ(trace->codes.size(), 2U);
    co_return trace->codes.back();
}

TEST(trace, tells_why_a_cursor_or_a_copy_ended_early)
{
    run([]() -> asio::awaitable<void> {
        using pg::condition;
        EXPECT_EQ(
            co_await told_of(
                [](pg::connection& db) -> asio::awaitable<void> { (void)co_await db.cursor<int>("SELECT nothing"); }),
            condition::undefined_column);
        EXPECT_EQ(
            co_await told_of([](pg::connection& db) -> asio::awaitable<void> {
                auto rows = co_await db.cursor<int>(
                    pg::cursor_options{.rows = 1, .read_ahead = false},
                    "SELECT 1 / (2 - n) FROM generate_series(1, 3) n");
                for (;;)
                    (void)co_await rows.next();
            }),
            condition::division_by_zero);
        EXPECT_EQ(
            co_await told_of([](pg::connection& db) -> asio::awaitable<void> {
                auto rows = co_await db.cursor<int>(pg::cursor_options{.rows = 1}, "SELECT generate_series(1, 3)");
                (void)co_await rows.next();
            }),
            asio::error::operation_aborted);
        EXPECT_EQ(
            co_await told_of([](pg::connection& db) -> asio::awaitable<void> {
                (void)co_await db.copy_in("nowhere", {"id"}, std::vector{1});
            }),
            condition::undefined_table);
        EXPECT_EQ(
            co_await told_of([](pg::connection& db) -> asio::awaitable<void> {
                (void)co_await db.copy_in("t", {"id"}, std::vector{1, 1});
            }),
            condition::unique_violation);
        EXPECT_EQ(
            co_await told_of([](pg::connection& db) -> asio::awaitable<void> {
                auto writer = co_await db.copy_writer("t", {"id"});
                co_await writer.write_row(1);
            }),
            asio::error::operation_aborted);
        EXPECT_EQ(
            co_await told_of(
                [](pg::connection& db) -> asio::awaitable<void> { (void)co_await db.copy_out<int>("SELECT nothing"); }),
            condition::undefined_column);
        EXPECT_EQ(
            co_await told_of([](pg::connection& db) -> asio::awaitable<void> {
                auto rows = co_await db.copy_out<int>("SELECT 1 / (2 - n) FROM generate_series(1, 3) n");
                for (;;)
                    (void)co_await rows.next();
            }),
            condition::division_by_zero);
        EXPECT_EQ(
            co_await told_of([](pg::connection& db) -> asio::awaitable<void> {
                auto rows = co_await db.copy_out<int>("SELECT generate_series(1, 1000000)");
                (void)co_await rows.next();
            }),
            asio::error::operation_aborted);
    });
}

TEST(trace, tells_of_listen_and_unlisten_when_they_are_sent)
{
    run([]() -> asio::awaitable<void> {
        const auto trace = std::make_shared<recording>();
        const auto db = co_await connect(trace);
        {
            auto feed = co_await db->listen("trace");
            auto other = co_await db->listen("trace");
        }
        for (int i = 0; i < 100 && !std::ranges::count(trace->ended, "UNLISTEN 0 ok"); ++i)
            co_await db->run_script({"", nullptr});
        EXPECT_TRUE(std::ranges::count(trace->started, "UNLISTEN \"trace\"") == 1);
        EXPECT_TRUE(std::ranges::count(trace->ended, "UNLISTEN 0 ok") == 1);
        EXPECT_EQ(trace->started.front(), "LISTEN \"trace\"");
        EXPECT_EQ(trace->ended.front(), "LISTEN 0 ok");
    });
}

TEST(trace, shows_one_round_trip_without_names_from_the_second_use_on)
{
    run([]() -> asio::awaitable<void> {
        const auto trace = std::make_shared<recording>();
        auto options = pg::connect_options::parse(test::dsn());
        options.trace = trace;
        options.prepared_statements = pg::prepared_statements::unnamed;
        const auto db = co_await pg::connection::connect(co_await asio::this_coro::executor, options);
        EXPECT_EQ(co_await db->fetchval<int>("SELECT $1::int", 1), 1);
        EXPECT_EQ(trace->sent, "PDSPBDES");
        trace->sent.clear();
        trace->received.clear();
        EXPECT_EQ(co_await db->fetchval<int>("SELECT $1::int", 2), 2);
        EXPECT_EQ(trace->sent, "PBDES");
        EXPECT_EQ(trace->received, "12TDCZ");
    });
}

TEST(parameter_status, is_told_when_it_changes)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect(nullptr);
        std::vector<std::string> told;
        db->on_parameter([&](std::string_view name, std::string_view value) {
            told.push_back(std::string(name) + "=" + std::string(value));
            EXPECT_EQ(db->parameter(name), value);
        });
        co_await db->execute("SET application_name = 'other'");
        EXPECT_EQ(told, (std::vector<std::string>{"application_name=other"}));
    });
}

} // namespace
