// SPDX-License-Identifier: Apache-2.0
// What a program's surroundings do to its databases: name service and clock.
#include "chaos/support/fault_test.hpp"
#include "db/support/gate.hpp"
#include "pg/support/task.hpp"

#include <arpa/inet.h>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <dlfcn.h>
#include <netdb.h>
#include <semaphore>
#include <string>
#include <string_view>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace {

constexpr auto known_name = "database.invalid";

/// What the name service says of `known_name`.
struct name_service {
    std::atomic<in_addr_t> address = 0;
    std::atomic<int> failure = 0; // EAI_…, instead
    std::atomic<bool> is_silent = false;
    std::counting_semaphore<> told{0}; // ends the silence of one question
    std::atomic<int> asked = 0;
};

name_service& names()
{
    static name_service one;
    return one;
}

/// Of the time of day.
std::atomic<long>& seconds_ahead()
{
    static std::atomic<long> much = 0;
    return much;
}

} // namespace

// Both stand before the C library's for this program.

extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** found)
{
    using function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
    static const auto real = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "getaddrinfo")); // NOLINT: POSIX's way
    if (node == nullptr || std::string_view(node) != known_name)
        return real(node, service, hints, found);
    ++names().asked;
    if (names().is_silent)
        names().told.acquire();
    if (const int failure = names().failure)
        return failure;
    const in_addr address{names().address};
    char text[INET_ADDRSTRLEN]; // NOLINT: the C library's way
    return real(::inet_ntop(AF_INET, &address, text, sizeof text), service, hints, found);
}

extern "C" int clock_gettime(clockid_t which, timespec* now) noexcept
{
    const auto result = ::syscall(SYS_clock_gettime, which, now);
    if (which == CLOCK_REALTIME && result == 0)
        now->tv_sec += seconds_ahead();
    return static_cast<int>(result);
}

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::end_of;
using test::ending;
using test::network_gate;
using test::note;

// --- names -----------------------------------------------------------------------------------------

class name_fault : public test::shared_server_test {
protected:
    name_fault()
    {
        names().address = ::inet_addr("127.0.0.1");
        names().failure = 0;
        names().is_silent = false;
    }
    [[nodiscard]] database_options by_name(const network_gate& gate) const
    {
        auto options = test::quick_options(2);
        options.name = "by name";
        options.pool.minimum = 0;
        options.connect = pg::connect_options::parse(gate.dsn());
        options.connect.hosts.at(0).host = known_name;
        options.connect.connect_timeout = connect_timeout_;
        return options;
    }
    /// What `break_names` does meets new connections only, is told as `wanted`, and is over when `mend_names` says so.
    template <class Break, class Mend>
    void expect_fault(const std::string& wanted, Break break_names, Mend mend_names)
    {
        run([&](database&, network_gate& gate) -> asio::awaitable<void> {
            database other(co_await asio::this_coro::executor, by_name(gate));
            co_await other.open();
            EXPECT_EQ(co_await end_of(note(other, 1)), "ok");
            break_names();
            EXPECT_EQ(co_await end_of(note(other, 1)), "ok") << "who is in is served";
            gate.end_all(ending::reset);
            co_await test::until_ends_have_come(gate);
            EXPECT_EQ(co_await end_of(note(other, 2)), wanted);
            mend_names();
            while (co_await end_of(note(other, 3)) != "ok")
                co_await test::moment();
            EXPECT_EQ(other.pool_stats().size, 1U);
            co_await other.close();
        });
        EXPECT_EQ(notes(1), 2);
        EXPECT_EQ(notes(2), 0);
        EXPECT_EQ(notes(3), 1);
    }

    std::chrono::milliseconds connect_timeout_ = 10s;
};

TEST_F(name_fault, a_name_service_that_fails_is_asked_again)
{
    expect_fault("connection_error", [] { names().failure = EAI_AGAIN; }, [] { names().failure = 0; });
}

TEST_F(name_fault, a_name_that_moves_is_looked_up_for_each_connection)
{
    expect_fault(
        "connection_error", [] { names().address = ::inet_addr("127.0.0.9"); },
        [] { names().address = ::inet_addr("127.0.0.1"); });
}

TEST_F(name_fault, a_name_service_that_is_silent_costs_the_time_of_a_connect)
{
    names().asked = 0;
    connect_timeout_ = 500ms; // long enough for a connect to somebody who answers
    expect_fault(
        "timeout_error", [] { names().is_silent = true; },
        [] {
            names().is_silent = false;
            names().told.release(names().asked); // more than are waited for
        });
    while (names().told.try_acquire()) {
    }
}

// --- the clock -------------------------------------------------------------------------------------

class clock_fault : public test::shared_server_test {};

TEST_F(clock_fault, an_hour_forward_or_back_ends_nothing_and_holds_nothing_up)
{
    run([&](database& main, network_gate&) -> asio::awaitable<void> {
        for (const long ahead : {3'600L, 0L, -3'600L, 0L}) {
            test::task<std::string> sleeping(
                co_await asio::this_coro::executor,
                end_of(main.with({.timeout = 10min}).execute("SELECT pg_sleep(600)")));
            const auto asleep = [&] {
                return scratch_.run("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                                    "wait_event = 'PgSleep'") == "1";
            };
            while (!asleep())
                co_await test::moment();
            const auto session = co_await main.fetchval<std::int32_t>("SELECT pg_backend_pid()");
            const auto before = std::chrono::system_clock::now();
            const auto moves = std::chrono::seconds(ahead - seconds_ahead());
            seconds_ahead() = ahead;
            EXPECT_LT(std::chrono::abs(std::chrono::system_clock::now() - before - moves), 10min) << "it has moved";

            EXPECT_EQ(co_await end_of(note(main, 1)), "ok");
            EXPECT_EQ(co_await end_of(main.transaction([&] { return note(main, 1); }, {.timeout = 10min})), "ok");
            EXPECT_EQ(co_await main.fetchval<std::int32_t>("SELECT pg_backend_pid()"), session) << "it is kept";
            // Limits are as long as ever.
            EXPECT_EQ(co_await end_of(main.with({.timeout = 50ms}).execute("SELECT pg_sleep(300)")), "timeout_error");
            while (!asleep())
                co_await test::moment();
            sleeping.cancel();
            EXPECT_EQ(co_await sleeping.result(), "cancelled");
            co_await test::until_whole(main);
        }
    });
    EXPECT_EQ(notes(1), 8);
}

} // namespace
} // namespace tradecore
