// SPDX-License-Identifier: Apache-2.0
// What the network does to databases.
#include "chaos/support/fault_test.hpp"
#include "db/support/gate.hpp"
#include "pg/support/task.hpp"

#include <tradecore/errors.hpp>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::end_of;
using test::ending;
using test::flow;
using test::network_gate;
using test::note;
using test::traffic;
using mode = traffic::mode;
using testing::AnyOf;

constexpr traffic silence{.what = mode::hold};

class network : public test::shared_server_test {
protected:
    network() { options_.connect.cancel_timeout = 50ms; }
};

// --- connections that end --------------------------------------------------------------------------

TEST_F(network, a_reset_in_mid_row_is_a_lost_connection)
{
    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        gate.when(flow::to_client, "yyyyyyyy", [](network_gate::link& on) { on.end(ending::reset); });
        const auto read =
            co_await end_of(main.fetch<std::string>("SELECT repeat('y', 50000) FROM generate_series(1, 9)"));
        EXPECT_EQ(read, "connection_error") << "each of its attempts met the same";
        const auto written = co_await end_of(main.fetch<std::string>(
            "INSERT INTO note SELECT 1, repeat('y', 50000) FROM generate_series(1, 9) RETURNING words"));
        EXPECT_EQ(written, "connection_error");
        gate.when(flow::to_client, "", nullptr);
    });
    EXPECT_THAT(notes(1), AnyOf(0, 9)) << "once or not at all";
}

TEST_F(network, the_end_of_idle_connections_is_noticed_before_anybody_is_served_by_them)
{
    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        for (const auto how : {ending::close, ending::reset}) {
            gate.end_all(how);
            co_await test::until_ends_have_come(gate);
            EXPECT_EQ(co_await end_of(note(main, 1)), "ok");
            EXPECT_EQ(co_await end_of(main.transaction([&] { return note(main, 1); })), "ok");
            co_await test::until_whole(main);
        }
    });
    EXPECT_EQ(notes(1), 4);
}

TEST_F(network, a_listener_ends_with_its_connection_and_can_listen_again)
{
    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        for (int round = 0; round < 2; ++round) {
            auto feed = co_await main.listen("news");
            (void)co_await main.execute("NOTIFY news");
            (void)co_await feed.next();
            gate.end_all(ending::reset);
            EXPECT_EQ(co_await end_of(feed.next()), "connection_error");
            co_await test::until_ends_have_come(gate); // or the next round meets the end of another one
        }
    });
}

// --- silence ---------------------------------------------------------------------------------------

TEST_F(network, silence_during_a_statement_ends_with_its_time)
{
    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        // The request to cancel meets the same silence.
        gate.when(flow::to_server, "a question", [&](network_gate::link&) { gate.set(silence); });
        EXPECT_EQ(
            co_await end_of(main.with({.timeout = 50ms}).fetch("SELECT $1::text", "a question")), "timeout_error");
        gate.set({});
        co_await test::until_whole(main);

        gate.when(flow::to_server, "a note", [&](network_gate::link&) { gate.set(silence); });
        EXPECT_EQ(
            co_await end_of(main.with({.timeout = 50ms}).execute("INSERT INTO note VALUES (1, $1)", "a note")),
            "timeout_error");
        gate.when(flow::to_server, "", nullptr);
        gate.set({});
    });
    EXPECT_LE(notes(1), 1);
}

/// What may take long, outside of transactions. The server's own limit is of no use when nothing of it arrives.
enum class long_work : std::uint8_t {
    batch,
    batch_half_answered,
    execute_many,
    copy_in,
    copy_in_that_is_not_taken,
    copy_out,
    script,
    cursor,
};

std::string name_of(long_work what)
{
    switch (what) {
    case long_work::batch:
        return "batch";
    case long_work::batch_half_answered:
        return "batch_half_answered";
    case long_work::execute_many:
        return "execute_many";
    case long_work::copy_in:
        return "copy_in";
    case long_work::copy_in_that_is_not_taken:
        return "copy_in_that_is_not_taken";
    case long_work::copy_out:
        return "copy_out";
    case long_work::script:
        return "script";
    case long_work::cursor:
        break;
    }
    return "cursor";
}

void PrintTo(long_work what, std::ostream* out)
{
    *out << name_of(what);
}

class long_command : public network, public testing::WithParamInterface<long_work> {
protected:
    /// @param own the call's own options.
    static asio::awaitable<void> work(database main, pg::call_options own, network_gate& gate)
    {
        const traffic swallowed{.what = mode::drop};
        const std::vector<std::tuple<std::int32_t, std::string>> rows{{1, "a"}, {1, "b"}};
        pg::copy_options copying;
        copying.call = own;
        pg::batch todo;
        todo.options = own;
        todo.add_execute("INSERT INTO note VALUES (1, 'a')");
        todo.add<std::string>("SELECT $1::text", "half of it");
        todo.add<std::string>("SELECT $1::text", "the rest");
        switch (GetParam()) {
        case long_work::batch:
            gate.set(swallowed);
            (void)co_await main.run(todo);
            break;
        case long_work::batch_half_answered:
            gate.when(flow::to_client, "half of it", [&](network_gate::link&) { gate.set(swallowed); });
            (void)co_await main.run(todo);
            break;
        case long_work::execute_many:
            gate.set(swallowed);
            (void)co_await main.with(own).execute_many("INSERT INTO note VALUES ($1, $2)", rows);
            break;
        case long_work::copy_in:
            gate.set(swallowed);
            (void)co_await main.copy_in("note", {"number", "words"}, rows, copying);
            break;
        case long_work::copy_in_that_is_not_taken: {
            // More than the gate keeps and the kernel buffers: sending is what does not end.
            auto writer = co_await main.copy_writer("note", {"number", "words"}, copying);
            gate.set(silence);
            const std::string large(1'000'000, 'x');
            for (int i = 0; i < 100; ++i)
                co_await writer.write_row(std::int32_t{1}, large);
            (void)co_await writer.finish();
            break;
        }
        case long_work::copy_out: {
            auto read = co_await main.copy_out<std::int32_t>("SELECT generate_series(1, 1000000)", copying);
            (void)co_await read.next();
            gate.set(swallowed);
            for (auto part = co_await read.next(); !part.empty();)
                part = co_await read.next();
            break;
        }
        case long_work::script:
            gate.set(swallowed);
            (void)co_await main.run_script("INSERT INTO note VALUES (1, 'a'); SELECT 1", own);
            break;
        case long_work::cursor: {
            auto read = co_await main.with(own).cursor<std::int32_t>({.rows = 1}, "SELECT generate_series(1, 1000)");
            (void)co_await read.next();
            gate.set(swallowed);
            for (auto slice = co_await read.next(); !slice.empty();)
                slice = co_await read.next();
            break;
        }
        }
    }

    void expect_end(pg::call_options own)
    {
        run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
            EXPECT_EQ(co_await end_of(work(main, own, gate)), "timeout_error");
            EXPECT_EQ(main.statistics().retries.after_outages, 0U) << "it is not repeated";
            gate.when(flow::to_client, "", nullptr);
            gate.set({});
            gate.end_all(ending::reset); // nobody told the server
        });
        // A batch is sent as a whole, so its answer begins when all of it is done.
        EXPECT_EQ(notes(1), GetParam() == long_work::batch_half_answered ? 1 : 0);
    }
};

INSTANTIATE_TEST_SUITE_P(
    each, long_command,
    testing::Values(
        long_work::batch, long_work::batch_half_answered, long_work::execute_many, long_work::copy_in,
        long_work::copy_in_that_is_not_taken, long_work::copy_out, long_work::script, long_work::cursor),
    [](const auto& tried) { return name_of(tried.param); });

TEST_P(long_command, ends_with_the_time_of_commands_when_the_network_swallows_everything)
{
    options_.command_timeout = 300ms; // the server must not get so far before anything is swallowed
    expect_end({});
}

TEST_P(long_command, ends_with_its_own_time_when_the_network_swallows_everything)
{
    options_.command_timeout = 10min;
    expect_end({.timeout = 200ms});
}

TEST_F(network, silence_during_the_answer_ends_with_its_time_and_the_statement_is_stopped)
{
    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        gate.when(flow::to_client, "yyyyyyyy", [&](network_gate::link& on) { on.set(flow::to_client, silence); });
        const auto ended =
            co_await end_of(main.with({.timeout = 100ms})
                                .fetch<std::string>("SELECT repeat('y', 100000) FROM generate_series(1, 100000)"));
        EXPECT_EQ(ended, "timeout_error");
        gate.when(flow::to_client, "", nullptr);
        gate.set({});
        while (scratch_.run("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                            "query LIKE '%generate_series%' AND state = 'active' AND pid <> pg_backend_pid()") != "0")
            co_await test::moment();
    });
}

TEST_F(network, silence_in_a_transaction_ends_with_its_time)
{
    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        gate.when(flow::to_server, "a question", [&](network_gate::link&) { gate.set(silence); });
        const auto ended = co_await end_of(main.transaction(
            [&]() -> asio::awaitable<void> {
                co_await note(main, 1);
                (void)co_await main.execute("SELECT $1::text", "a question");
            },
            {.timeout = 100ms}));
        EXPECT_EQ(ended, "timeout_error");
        gate.when(flow::to_server, "", nullptr);
        gate.set({});
    });
    EXPECT_EQ(notes(1), 0);
}

TEST_F(network, silence_at_rollback_keeps_no_caller_longer_than_the_rollback_may_take)
{
    options_.rollback_timeout = 50ms;
    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        const auto ended = co_await end_of(main.transaction([&]() -> asio::awaitable<void> {
            co_await note(main, 1);
            gate.set(silence);
            throw std::runtime_error("my own");
        }));
        EXPECT_EQ(ended, "untyped: my own") << "the body's error, not what became of the connection";
        gate.set({});
    });
    EXPECT_EQ(notes(1), 0);
}

TEST_F(network, silence_at_release_keeps_nobody_waiting)
{
    options_.pool.cleanup_timeout = 50ms;
    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        auto taken = co_await main.pool().acquire({});
        (void)co_await taken->run_script({"BEGIN; INSERT INTO note VALUES (1)", nullptr}, {});
        gate.set(silence);
        taken.reset();
        gate.set(flow::to_server, {.what = mode::drop});
        co_await gate.until([&] { return gate.open() == 2; });
        while (main.pool_stats().size == 2)
            co_await test::moment();
        gate.set({});
    });
    EXPECT_EQ(notes(1), 0);
}

class silent_connect : public network, public testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(each, silent_connect, testing::Values("plain", "tls"), [](const auto& tried) {
    return std::string(tried.param);
});

TEST_P(silent_connect, ends_with_its_time)
{
    run([&](database&, network_gate& gate) -> asio::awaitable<void> {
        auto options = test::quick_options(2);
        options.name = "vb";
        options.pool.minimum = 0;
        options.connect = pg::connect_options::parse(
            gate.dsn() + (std::string(GetParam()) == "tls" ? "&sslmode=require" : "&sslmode=disable"));
        options.connect.connect_timeout = 50ms;
        options.pool.acquire_timeout = 500ms;
        database vb(co_await asio::this_coro::executor, options);
        co_await vb.open();
        gate.on_link([](network_gate::link& on) { on.set(silence); });
        EXPECT_EQ(co_await end_of(vb.fetchval<std::int32_t>("SELECT 1")), "timeout_error");
        EXPECT_EQ(co_await end_of(vb.transaction([&] { return note(vb, 1); })), "timeout_error");
        const auto health = co_await vb.health_check(100ms);
        EXPECT_FALSE(health.reachable);
        co_await vb.close();
        gate.on_link(nullptr);
        gate.end_all(ending::reset);
    });
    EXPECT_EQ(notes(1), 0);
}

TEST_F(network, silence_of_idle_connections_costs_a_check_and_no_call)
{
    options_.pool.idle_check_after = 0ms;
    options_.pool.validation_timeout = 50ms;
    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        gate.for_each([](network_gate::link& on) { on.set({.what = mode::drop}); });
        EXPECT_EQ(co_await end_of(note(main, 1)), "ok");
        co_await test::until_whole(main);
        gate.end_all(ending::reset); // whoever did not hear of the other's end
    });
    EXPECT_EQ(notes(1), 1);
}

// --- slow, cut up, glued together ------------------------------------------------------------------

TEST_F(network, drops_by_drops_no_answer_comes_in_time)
{
    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        gate.for_each([](network_gate::link& on) { on.set(flow::to_client, {.piece = 1, .pause = 1h}); });
        EXPECT_EQ(co_await end_of(main.with({.timeout = 50ms}).execute("SELECT 1")), "timeout_error");
        gate.set({});
    });
}

class chopped : public network, public testing::WithParamInterface<std::size_t> {
protected:
    asio::awaitable<void> do_everything(database& main) const
    {
        co_await note(main, 1);
        const auto all = co_await main.fetch<std::string>("SELECT words FROM note WHERE number = $1", 1);
        EXPECT_EQ(all, std::vector<std::string>{"here"});
        std::vector<asio::awaitable<void>> together;
        together.reserve(20);
        for (int i = 0; i < 20; ++i)
            together.push_back(note(main, 2));
        co_await main.transaction([&] { return when_all(std::move(together)); });
        EXPECT_EQ(co_await end_of(main.execute("SELECT 1 / (number - 1) FROM note WHERE number = 1")), "22012");
        std::vector<std::int64_t> numbers(100);
        std::iota(numbers.begin(), numbers.end(), 0);
        EXPECT_EQ(co_await main.execute_many("INSERT INTO note VALUES (3, $1::bigint::text)", numbers), 100U);
        co_await main.transaction([&]() -> asio::awaitable<void> {
            auto slices = co_await main.cursor<std::string>({.rows = 7}, "SELECT words FROM note WHERE number = 3");
            std::size_t read = 0;
            for (auto slice = co_await slices.next(); !slice.empty(); slice = co_await slices.next())
                read += slice.size();
            EXPECT_EQ(read, 100U);
        });
        EXPECT_EQ(co_await main.fetchval<std::int64_t>("SELECT length(repeat('z', 5000))"), 5'000);
    }
};

INSTANTIATE_TEST_SUITE_P(sizes, chopped, testing::Values(1, 3, 7), testing::PrintToStringParamName());

TEST_P(chopped, streams_mean_the_same)
{
    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        gate.set({.piece = GetParam()});
        co_await do_everything(main);
    });
    EXPECT_EQ(notes(1), 1);
    EXPECT_EQ(notes(2), 20);
    EXPECT_EQ(notes(3), 100);
}

TEST_F(network, answers_that_come_glued_together_are_told_apart)
{
    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        const auto taken = co_await main.pool().acquire({});
        (void)co_await taken->fetchval<std::string>("SELECT $1::text", "prepared");
        gate.set(flow::to_client, silence);
        gate.when(flow::to_server, "the last", [&](network_gate::link&) { gate.set(flow::to_client, {}); });
        std::vector<asio::awaitable<std::string>> asked;
        asked.reserve(50);
        for (int i = 0; i < 49; ++i)
            asked.push_back(taken->fetchval<std::string>("SELECT $1::text", "one"));
        asked.push_back(taken->fetchval<std::string>("SELECT $1::text", "the last"));
        const auto answers = co_await when_all(std::move(asked));
        EXPECT_EQ(std::ranges::count(answers, "one"), 49);
        EXPECT_EQ(answers.back(), "the last");
    });
}

TEST_F(network, a_narrow_way_slows_a_copy_and_breaks_nothing)
{
    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        gate.set({.piece = 4'096, .pause = 100us});
        std::vector<std::tuple<std::int32_t, std::string>> rows(500, {1, std::string(1'000, 'n')});
        EXPECT_EQ(co_await main.copy_in("note", {"number", "words"}, rows), 500U);
        auto back = co_await main.copy_out<std::string>("SELECT words FROM note");
        std::size_t read = 0;
        for (auto part = co_await back.next(); !part.empty(); part = co_await back.next())
            for (const auto& words : part)
                read += words.size();
        EXPECT_EQ(read, 500'000U);

        // One that is too narrow for the limit.
        gate.set({.piece = 4'096, .pause = 1h});
        pg::copy_options hurried;
        hurried.call.timeout = 100ms;
        EXPECT_EQ(co_await end_of(main.copy_in("note", {"number", "words"}, rows, hurried)), "timeout_error");
        gate.set({});
    });
    EXPECT_EQ(notes(1), 500);
}

// --- COMMIT ----------------------------------------------------------------------------------------

TEST_F(network, a_connection_lost_before_commit_was_sent_leaves_nothing)
{
    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        const auto ended = co_await end_of(main.transaction([&]() -> asio::awaitable<void> {
            co_await note(main, 1);
            gate.end_all(ending::reset);
        }));
        EXPECT_EQ(ended, "connection_error") << "each of its attempts met the same";
    });
    EXPECT_EQ(notes(1), 0);
}

TEST_F(network, a_commit_that_did_not_arrive_is_never_called_a_success)
{
    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        gate.when(flow::to_server, "COMMIT", [](network_gate::link& on) { on.end(ending::reset); });
        const auto ended = co_await end_of(main.transaction([&] { return note(main, 1); }));
        EXPECT_EQ(ended, "connection_error") << "the server says that it rolled back, each time";
        gate.when(flow::to_server, "", nullptr);
    });
    EXPECT_EQ(notes(1), 0);
}

TEST_F(network, a_commit_whose_answer_was_lost_is_not_done_again)
{
    int runs = 0;
    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        // CommandComplete: it is committed.
        gate.when(flow::to_client, "COMMIT", [](network_gate::link& on) { on.end(ending::reset); });
        const auto ended = co_await end_of(main.transaction([&] {
            ++runs;
            return note(main, 1);
        }));
        EXPECT_EQ(ended, "ok") << "the server says that it took effect";
        gate.when(flow::to_client, "", nullptr);
    });
    EXPECT_EQ(runs, 1);
    EXPECT_EQ(notes(1), 1);
}

/// The strongest of all: one transaction, cut after each byte that it sends and that it gets.
class cut_transaction : public test::shared_server_test, public testing::WithParamInterface<flow> {
protected:
    cut_transaction() : shared_server_test(1)
    {
        options_.retry_budget.minimum = 10'000; // a cut that the transaction did not reach hits whoever comes next
    }
};

INSTANTIATE_TEST_SUITE_P(
    each, cut_transaction, testing::Values(flow::to_server, flow::to_client),
    [](const auto& tried) { return tried.param == flow::to_server ? "to_server" : "to_client"; });

TEST_P(cut_transaction, happens_once_or_not_at_all_wherever_it_is_cut)
{
    std::vector<std::string> ends;
    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        for (std::uint64_t length = 0, cut = 0; cut <= length; ++cut) {
            co_await test::until_whole(main);
            const auto links = gate.accepted();
            std::uint64_t before = 0;
            gate.for_each([&](network_gate::link& on) {
                before = on.passed(GetParam());
                if (cut > 0)
                    on.set(
                        GetParam(),
                        {.cut_after = before + cut - 1, .cut_by = cut % 2 == 0 ? ending::close : ending::reset});
            });
            const auto number = static_cast<std::int32_t>(cut);
            ends.push_back(co_await end_of(main.transaction([&]() -> asio::awaitable<void> {
                (void)co_await main.execute("INSERT INTO note VALUES ($1)", number);
                (void)co_await main.execute("UPDATE note SET words = 'x' WHERE number = $1", number);
            })));
            if (cut == 0) {
                EXPECT_EQ(gate.accepted(), links);
                gate.for_each([&](network_gate::link& on) { length = on.passed(GetParam()) - before; });
            }
        }
        EXPECT_GT(ends.size(), 100U);
    });
    std::istringstream counts(scratch_.run(
        "SELECT string_agg(times::text, ' ' ORDER BY n) FROM (SELECT n, count(number) AS times FROM "
        "generate_series(0, " +
        std::to_string(ends.size()) + ") n LEFT JOIN note ON number = n GROUP BY n) AS counted"));
    for (std::size_t cut = 0; cut < ends.size(); ++cut) {
        int there = -1;
        counts >> there;
        EXPECT_EQ(there, ends[cut] == "ok" ? 1 : 0) << cut << ": " << ends[cut];
        // Its id is known before COMMIT is sent, so that the server can always tell what has become of it.
        EXPECT_THAT(ends[cut], AnyOf("ok", "connection_error")) << cut;
    }
}

// --- cancelling ------------------------------------------------------------------------------------

TEST_F(network, a_request_to_cancel_that_comes_late_stops_nobody_else)
{
    options_.pool.minimum = options_.pool.maximum = 1;
    options_.pool.sharing.patience = 10min;
    options_.connect.cancel_timeout = 10min;
    scratch_.run("CREATE SEQUENCE begun");
    run([&](database& main, network_gate& gate) -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        const auto late = [&](pg::call_options how) {
            return main.with(how).execute("SELECT pg_advisory_xact_lock(1)");
        };
        const auto behind = [&] {
            return main.with({.idempotent = true}).execute("SELECT nextval('begun'), pg_advisory_xact_lock(2)");
        };
        // How long they take is known then, and they are sent behind each other.
        EXPECT_EQ(co_await end_of(late({.only_reads = true})), "ok");
        EXPECT_EQ(co_await end_of(behind()), "ok");
        const auto other = co_await pg::connection::connect(
            executor, pg::connect_options::parse(test::tcp_dsn_for("tc_trust", "", scratch_.name())));
        (void)co_await other->execute("SELECT pg_advisory_lock(1), pg_advisory_lock(2)");
        const auto waiting_for = [&](int lock) {
            return other->fetchval<std::int64_t>(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = $1::int", lock);
        };

        // The request waits at the gate until its statement has ended by itself and the server works on the next one.
        gate.on_link([](network_gate::link& on) { on.set(silence); });
        const auto links = gate.accepted();
        test::task<std::string> first(executor, end_of(late({.timeout = 50ms, .only_reads = true})));
        test::task<std::string> second(executor, end_of(behind()));
        test::task<std::string> third(executor, end_of(behind()));
        co_await gate.until([&] { return gate.accepted() > links; });
        EXPECT_EQ(main.statistics().pool.shared, 2U);
        (void)co_await other->execute("SELECT pg_advisory_unlock(1)");
        while (co_await waiting_for(2) == 0)
            co_await test::moment();
        test::task<std::string> fourth(executor, end_of(note(main, 1)));
        gate.set({});
        while (co_await other->fetchval<std::int64_t>("SELECT last_value FROM begun") < 3)
            co_await test::moment(); // it was stopped, and has begun again
        (void)co_await other->execute("SELECT pg_advisory_unlock(2)");
        EXPECT_EQ(co_await first.result(), "ok") << "it had ended before it was stopped";
        EXPECT_EQ(co_await second.result(), "ok");
        EXPECT_EQ(co_await third.result(), "ok");
        EXPECT_EQ(co_await fourth.result(), "ok");
        EXPECT_EQ(gate.accepted(), links + 1) << "the connection lives on";
        gate.on_link(nullptr);
    });
    EXPECT_GE(std::stoi(scratch_.run("SELECT last_value FROM begun")), 4) << "a server sends its signal twice";
    EXPECT_EQ(notes(1), 1);
}

} // namespace
} // namespace tradecore
