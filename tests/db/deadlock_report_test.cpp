// SPDX-License-Identifier: Apache-2.0
#include "db/deadlock_report.hpp"
#include "db/support/allocations.hpp"
#include "db/support/fake_database.hpp"

#include <tradecore/observe/capture.hpp>

#include <boost/asio/io_context.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <source_location>
#include <string>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using detail::backend_session;
using detail::backend_sessions;
using detail::deadlock_wait;
using detail::read_deadlock;
using detail::session_use;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr backend_session::clock::time_point start{1h};

/// Logs what is known of a deadlock, if it is one.
void report_deadlock(
    const database_options& options, const backend_sessions& known, const session_use& victim,
    const std::exception_ptr& error, backend_session::clock::time_point now)
{
    if (const auto found = detail::deadlock_of(options, known, victim, error, now))
        found->log();
}

TEST(deadlock_report, reads_who_waits_for_whom)
{
    EXPECT_THAT(
        read_deadlock("Process 123 waits for ShareLock on transaction 738; blocked by process 456.\n"
                      "Process 456 waits for ExclusiveLock on tuple (0,1) of relation 16385 of database 5; blocked by "
                      "process 123."),
        ElementsAre(deadlock_wait{123, 456}, deadlock_wait{456, 123}));
}

TEST(deadlock_report, reads_other_languages)
{
    EXPECT_THAT(
        read_deadlock(
            "Prozess 12 wartet auf ShareLock-Sperre auf Transaktion 7; blockiert von Prozess 34.\n"
            "プロセス34は ShareLock を トランザクション 8 で待機していましたが、プロセス12でブロックされました"),
        ElementsAre(deadlock_wait{12, 34}, deadlock_wait{34, 12}));
}

TEST(deadlock_report, leaves_out_what_it_cannot_read)
{
    EXPECT_THAT(read_deadlock(""), IsEmpty());
    EXPECT_THAT(read_deadlock("nothing"), IsEmpty());
    EXPECT_THAT(read_deadlock("one number: 5"), IsEmpty());
    EXPECT_THAT(read_deadlock("5"), IsEmpty());
    EXPECT_THAT(read_deadlock("\n\n1 2\n"), ElementsAre(deadlock_wait{1, 2}));
    EXPECT_THAT(read_deadlock("99999999999 and 2"), IsEmpty());
}

TEST(backend_session, was_in_the_way_with_what_it_ran_until_just_now)
{
    backend_session one;
    one.begin({"blocked", nullptr}, "first", start);
    EXPECT_EQ(one.in_the_way(start + 1s).name, "first");
    one.end(start + 1s);
    EXPECT_EQ(one.in_the_way(start + 1s).name, "first");
    one.begin({"next", nullptr}, "second", start + 1s + 1ms);
    EXPECT_EQ(one.in_the_way(start + 1s + 2ms).name, "first") << "freed by the deadlock, and quick";
    EXPECT_EQ(one.in_the_way(start + 2s).name, "second") << "that took the lock, and this one waits";
}

TEST(backend_session, keeps_only_the_beginning_of_a_huge_text)
{
    backend_session one;
    one.begin(runtime_sql(std::string(100'000, 'x')).text(), "", start);
    EXPECT_EQ(one.current().sql.text, std::string(1'024, 'x'));
    one.begin(runtime_sql(std::string(1'000, 'y')).text(), "", start);
    EXPECT_EQ(one.current().sql.text, std::string(1'000, 'y'));
}

/// Two databases of one server.
struct world {
    asio::io_context context;
    database_options main = test::quiet_options(2);
    database_options vb = test::quiet_options(2);
    std::optional<backend_sessions> main_sessions;
    std::optional<backend_sessions> vb_sessions;

    world()
    {
        vb.name = "vb";
        main.connect.hosts = vb.connect.hosts = {{.host = "/tmp", .port = 5432}};
        open();
    }
    void open()
    {
        main_sessions.emplace(context.get_executor(), main.name, main.connect, 2);
        vb_sessions.emplace(context.get_executor(), vb.name, vb.connect, 2);
    }

    static session_use in_transaction(backend_sessions& of, std::int32_t pid, const char* name, const char* sql)
    {
        auto use = of.use(pid);
        use->in_transaction = true;
        use->transaction = name;
        use->transaction_where = std::source_location::current();
        use->begin({sql, nullptr, std::source_location::current()}, "", start);
        return use;
    }
};

std::exception_ptr deadlock(std::string detail)
{
    pg::diagnostics said;
    said.severity = "ERROR";
    said.code = pg::sqlstate("40P01");
    said.message = "deadlock detected";
    said.detail = std::move(detail);
    return pg::make_server_error(std::move(said), "");
}

TEST(deadlock_report, names_the_statements_and_transactions_of_both_sides)
{
    world w;
    const auto victim = world::in_transaction(*w.main_sessions, 10, "pay_in", "UPDATE a");
    const auto other = world::in_transaction(*w.vb_sessions, 20, "pay_out", "UPDATE b");
    const observe::capture log;
    report_deadlock(
        w.main, *w.main_sessions, victim,
        deadlock("Process 10 waits for ShareLock on transaction 5; blocked by process 20.\n"
                 "Process 20 waits for ShareLock on transaction 6; blocked by process 10."),
        start + 1s);
    ASSERT_EQ(log.entries().size(), 1U);
    const auto said = log.entries().front();
    EXPECT_EQ(said.severity, observe::level::warn);
    EXPECT_EQ(
        said.message,
        "[DEADLOCK] main transaction pay_in (process 10): UPDATE a | waited for vb transaction pay_out (process 20): "
        "UPDATE b");
    EXPECT_EQ(said.value("database"), "main");
    EXPECT_EQ(said.value("process"), "10");
    EXPECT_EQ(said.value("transaction"), "pay_in");
    EXPECT_EQ(said.value("sql"), "UPDATE a");
    EXPECT_NE(said.value("location"), "");
    EXPECT_NE(said.value("transaction_location"), "");
    EXPECT_EQ(said.value("other_process"), "20");
    EXPECT_EQ(said.value("other_database"), "vb");
    EXPECT_EQ(said.value("other_transaction"), "pay_out");
    EXPECT_EQ(said.value("other_sql"), "UPDATE b");
    EXPECT_NE(said.value("other_location"), "");
    EXPECT_NE(said.value("other_transaction_location"), "");
    EXPECT_EQ(said.value("sides"), "2");
    EXPECT_THAT(said.value("detail"), testing::StartsWith("Process 10 waits"));
}

TEST(deadlock_report, follows_a_ring_of_many_and_says_what_is_not_ours)
{
    world w;
    const auto victim = world::in_transaction(*w.main_sessions, 10, "a", "UPDATE a");
    const auto third = world::in_transaction(*w.main_sessions, 30, "", "UPDATE c");
    const observe::capture log;
    report_deadlock(
        w.main, *w.main_sessions, victim,
        deadlock("Process 30 … by process 10.\nProcess 10 … by process 20.\n"
                 "Process 20 … by process 30."),
        start + 1s);
    ASSERT_EQ(log.entries().size(), 1U);
    EXPECT_EQ(
        log.entries().front().message,
        "[DEADLOCK] main transaction a (process 10): UPDATE a | waited for process 20, which is not ours | which "
        "waited for main transaction (process 30): UPDATE c");
    EXPECT_EQ(log.entries().front().value("sides"), "3");
    EXPECT_EQ(log.entries().front().value("other_process"), "20");
    EXPECT_EQ(log.entries().front().value("other_sql"), "");
}

TEST(deadlock_report, says_what_it_knows_when_the_detail_is_of_no_use)
{
    world w;
    const auto victim = world::in_transaction(*w.main_sessions, 10, "a", "UPDATE a");
    const observe::capture log;
    for (const auto* text : {"", "Process 77 … by process 78.\nProcess 78 … by process 77.", "1 2\n2 1\n10 1"})
        report_deadlock(w.main, *w.main_sessions, victim, deadlock(text), start + 1s);
    ASSERT_EQ(log.entries().size(), 3U);
    EXPECT_EQ(log.entries()[0].message, "[DEADLOCK] main transaction a (process 10): UPDATE a");
    EXPECT_EQ(log.entries()[1].message, "[DEADLOCK] main transaction a (process 10): UPDATE a");
    EXPECT_EQ(log.entries()[1].value("sides"), "1");
    EXPECT_LE(std::stoi(log.entries()[2].value("sides")), 4) << "went round and round";
}

TEST(deadlock_report, is_of_deadlocks_only)
{
    world w;
    const auto victim = world::in_transaction(*w.main_sessions, 10, "a", "UPDATE a");
    const observe::capture log;
    report_deadlock(w.main, *w.main_sessions, victim, test::server_error_of("40001"), start);
    report_deadlock(w.main, *w.main_sessions, victim, std::make_exception_ptr(1), start);
    EXPECT_THAT(log.entries(), IsEmpty());
}

TEST(backend_sessions, of_another_server_or_database_are_not_looked_up)
{
    world w;
    const auto other = world::in_transaction(*w.vb_sessions, 20, "b", "UPDATE b");
    EXPECT_NE(w.main_sessions->look_up(20).session, nullptr);
    w.vb.connect.database = "another";
    EXPECT_EQ(w.main_sessions->look_up(20).session, nullptr);
    w.vb.connect.database.clear();
    w.vb.connect.hosts.front().port = 5433;
    EXPECT_EQ(w.main_sessions->look_up(20).session, nullptr);
    EXPECT_NE(w.vb_sessions->look_up(20).session, nullptr);
}

TEST(backend_sessions, are_forgotten_when_there_are_too_many_unless_they_are_used)
{
    world w;
    const auto used = world::in_transaction(*w.main_sessions, 1, "kept", "a");
    for (int pid = 2; pid < 100; ++pid)
        (void)w.main_sessions->use(pid);
    EXPECT_LE(w.main_sessions->size(), 5U);
    ASSERT_NE(w.main_sessions->look_up(1).session, nullptr);
    EXPECT_EQ(w.main_sessions->look_up(1).session->transaction, "kept");
}

TEST(backend_sessions, may_outlive_their_event_loop_and_each_other)
{
    const auto options = test::quiet_options();
    auto context = std::make_unique<asio::io_context>();
    std::optional<backend_sessions> one;
    one.emplace(context->get_executor(), options.name, options.connect, 2);
    {
        backend_sessions other(context->get_executor(), options.name, options.connect, 2);
        (void)other.use(5);
        EXPECT_NE(one->look_up(5).session, nullptr);
    }
    EXPECT_EQ(one->look_up(5).session, nullptr);
    context.reset();
    EXPECT_EQ(one->look_up(5).session, nullptr);
    one.reset();
}

TEST(backend_sessions, do_not_allocate_for_processes_they_have_met)
{
    world w;
    const auto run = [&] {
        for (int i = 0; i < 100; ++i) {
            auto use = w.main_sessions->use(1 + i % 2);
            use->transaction = "a name that is longer than a small string";
            use->begin({"SELECT 1", nullptr}, "another name that is longer than a small string", start);
            use->end(start);
        }
    };
    run();
    const auto before = test::allocations();
    run();
    EXPECT_EQ(test::allocations() - before, 0U);
}

} // namespace
} // namespace tradecore
