// SPDX-License-Identifier: Apache-2.0
#include "../support/task.hpp"
#include "pg/engine/resolve.hpp"
#include "support/run.hpp"

#include <tradecore/pg/error.hpp>

#include <boost/asio.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <dlfcn.h>
#include <netdb.h>
#include <semaphore>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::chrono_literals;

constexpr auto silent_host = "silent.invalid";

/// The look-up of `silent_host`, which does not return before it is told to.
struct silent_look_up {
    std::atomic<bool> begun = false;
    std::counting_semaphore<> told{0};
};

silent_look_up& silence()
{
    static silent_look_up one;
    return one;
}

} // namespace

// Stands before the C library's for this program.
extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** found)
{
    if (node != nullptr && std::string_view(node) == silent_host) {
        silence().begun = true;
        // The limit lets a test fail that would hang otherwise.
        (void)silence().told.try_acquire_for(20s);
        return EAI_FAIL;
    }
    using function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
    static const auto real = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "getaddrinfo")); // NOLINT: POSIX's way
    return real(node, service, hints, found);
}

namespace {

using namespace tradecore;
namespace asio = boost::asio;
using endpoints = std::vector<asio::generic::stream_protocol::endpoint>;
using clock = std::chrono::steady_clock;

/// A look-up that has reached the silent resolver.
class stuck_look_up {
public:
    stuck_look_up(const asio::any_io_executor& executor, clock::time_point deadline)
        : running_(
              (silence().begun = false, executor),
              pg::engine::resolve(executor, {.host = silent_host}, "here", deadline))
    {}
    stuck_look_up(const stuck_look_up&) = delete;
    stuck_look_up& operator=(const stuck_look_up&) = delete;
    stuck_look_up(stuck_look_up&&) = delete;
    stuck_look_up& operator=(stuck_look_up&&) = delete;
    // The loop's end waits for the resolver's thread.
    ~stuck_look_up() { silence().told.release(); }

    asio::awaitable<void> reached()
    {
        const auto executor = co_await asio::this_coro::executor;
        while (!silence().begun)
            co_await asio::post(executor, asio::use_awaitable);
    }
    test::task<endpoints>& running() { return running_; }

private:
    test::task<endpoints> running_;
};

TEST(resolve, does_not_wait_for_a_silent_resolver_beyond_the_time_limit)
{
    test::run([]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        stuck_look_up stuck(executor, clock::now() + 10ms);
        co_await stuck.reached();
        std::string why;
        try {
            (void)co_await stuck.running().result();
        }
        catch (const pg::timeout_error& error) {
            why = error.what();
        }
        EXPECT_EQ(why, "cannot connect to here: the time limit passed (looking up the host's name)");
    });
}

TEST(resolve, does_not_keep_a_caller_who_has_cancelled)
{
    test::run([]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        stuck_look_up stuck(executor, clock::now() + 10min);
        co_await stuck.reached();
        stuck.running().cancel();
        boost::system::error_code why;
        try {
            (void)co_await stuck.running().result();
        }
        catch (const boost::system::system_error& error) {
            why = error.code();
        }
        EXPECT_EQ(why, asio::error::operation_aborted);
    });
}

TEST(resolve, survives_an_answer_that_nobody_waits_for)
{
    test::run([]() -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        {
            stuck_look_up stuck(executor, clock::now() + 10min);
            co_await stuck.reached();
            stuck.running().cancel();
            EXPECT_THROW((void)co_await stuck.running().result(), boost::system::system_error);
        }
        // One thread looks up one name after the other: this answer comes after the dropped one.
        const auto found =
            co_await pg::engine::resolve(executor, {.host = "localhost", .port = 77}, "here", clock::now() + 10min);
        EXPECT_FALSE(found.empty());
    });
}

} // namespace
