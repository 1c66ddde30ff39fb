// SPDX-License-Identifier: Apache-2.0
#include "db/support/pool_fixture.hpp"

#include <tradecore/db/errors.hpp>

#include <optional>
#include <sys/wait.h>
#include <unistd.h>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::fake_server;
using test::sized;

/// Runs `body` in a child process. @returns what it returned.
template <class F>
int in_child(F body)
{
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(body());
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

enum answers { refused = 1, refused_well = 2, was_lent = 3, touched = 4, left_alone = 5 };

TEST(pool_fork, a_child_is_refused_with_a_reason)
{
    test::run([]() -> asio::awaitable<void> {
        fake_server server;
        pool connections(co_await asio::this_coro::executor, "main", sized(1, 1), server.make_connector());
        co_await connections.open();
        const int said = in_child([&] {
            try {
                (void)connections.try_acquire({});
            }
            catch (const database_closed& e) {
                const std::string text = e.what();
                return text == "database 'main' belongs to the process that this one was forked from; open one of "
                               "your own"
                           ? refused_well
                           : refused;
            }
            return was_lent;
        });
        EXPECT_EQ(said, refused_well);
        EXPECT_TRUE(connections.try_acquire({})) << "the parent goes on";
        co_await connections.close(1s);
    });
}

TEST(pool_fork, a_child_touches_no_connection_of_its_parent)
{
    test::run([]() -> asio::awaitable<void> {
        fake_server server;
        std::optional<pool> connections;
        connections.emplace(co_await asio::this_coro::executor, "main", sized(2, 2), server.make_connector());
        co_await connections->open();
        lease mine = co_await connections->acquire({});
        lease another = co_await connections->acquire({});
        connections->evict(); // so that what comes back is closed
        co_await test::settle();
        const int did = in_child([&] {
            mine.reset();
            another.discard();
            connections.reset();
            return server.open_connections.size() == 2 ? left_alone : touched;
        });
        EXPECT_EQ(did, left_alone);
        mine.reset();
        EXPECT_EQ(server.open_connections.size(), 1U) << "the parent goes on";
        another.reset();
        co_await connections->close(1s);
    });
}

TEST(pool_fork, a_pool_made_in_a_child_works_there)
{
    const int said = in_child([] {
        int answer = refused;
        test::run([&]() -> asio::awaitable<void> {
            fake_server server;
            pool connections(co_await asio::this_coro::executor, "main", sized(1, 1), server.make_connector());
            co_await connections.open();
            if (connections.try_acquire({}))
                answer = was_lent;
            co_await connections.close(1s);
        });
        return answer;
    });
    EXPECT_EQ(said, was_lent);
}

} // namespace
} // namespace tradecore
