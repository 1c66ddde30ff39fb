// SPDX-License-Identifier: Apache-2.0
// What becomes of databases when a standby takes the primary's place.
#include "chaos/support/fault_test.hpp"
#include "pg/support/task.hpp"
#include "support/replicated_servers.hpp"

#include <tradecore/db/errors.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::end_of;
using test::is_outage;
using test::moment;
using testing::AnyOf;
using testing::StartsWith;

class failover : public testing::Test {
protected:
    failover()
    {
        options_ = test::quick_options(4);
        options_.connect = pg::connect_options::parse(servers_.dsn("target_session_attrs=read-write"));
        options_.standbys.enabled = true;
        options_.standbys.pool = options_.pool;
        options_.standbys.pool.minimum = 0;
        options_.standbys.patience = 10s;
    }

    template <class F>
    void run(F body)
    {
        const auto before = test::open_descriptors();
        test::run([&]() -> asio::awaitable<void> {
            database main(co_await asio::this_coro::executor, options_);
            co_await main.open();
            co_await with_timeout(4min, body(main)); // not a limit of anything that is tested
            co_await test::until_whole(main);
            co_await main.close();
            EXPECT_EQ(main.pool_stats().size, 0U);
            EXPECT_EQ(main.standbys().pool_stats().size, 0U);
        });
        EXPECT_EQ(test::open_descriptors(), before);
    }

    /// @returns how often each number is there.
    std::map<int, int> notes() const
    {
        std::istringstream all(
            servers_.at_primary("SELECT string_agg(number || ' ' || times, ' ') FROM "
                                "(SELECT number, count(*) AS times FROM note GROUP BY number) AS each"));
        std::map<int, int> found;
        for (int number = 0, times = 0; all >> number >> times;)
            found[number] = times;
        return found;
    }
    static asio::awaitable<void> until_standby_answers(database& main)
    {
        const auto before = main.read_statistics().at_standby;
        while (main.read_statistics().at_standby == before) {
            (void)co_await end_of(main.read({.max_staleness = 10s}).execute("SELECT number FROM note LIMIT 1"));
            co_await moment();
        }
    }

    test::replicated_servers servers_{"CREATE TABLE note (number int, words text)"};
    database_options options_;
};

/// Write as long as they may, and remember how each write ended.
struct writers {
    struct write {
        int number;
        bool alone;
        std::string ended;
    };
    std::vector<write> all{};
    std::size_t acknowledged = 0;
    int next = 0;
    bool stop = false;

    asio::awaitable<void> go_on(database& main, bool alone)
    {
        while (!stop) {
            const int number = next++;
            std::string ended;
            if (alone)
                ended = co_await end_of(test::note(main, number));
            else
                ended = co_await end_of(main.transaction([&main, number] { return test::note(main, number); }));
            acknowledged += ended == "ok" ? 1 : 0;
            all.push_back({number, alone, ended});
            if (ended != "ok")
                co_await moment();
        }
    }
    [[nodiscard]] std::size_t count(const std::string& ended) const
    {
        return static_cast<std::size_t>(std::ranges::count(all, ended, &write::ended));
    }
};

TEST_F(failover, keeps_every_acknowledged_write_and_applies_none_twice)
{
    constexpr std::size_t many = 8;
    servers_.make_synchronous();
    const auto old_host = servers_.primary_host();
    writers work;
    run([&](database& main) -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        std::vector<test::task<void>> running;
        running.reserve(many);
        for (std::size_t i = 0; i < many; ++i)
            running.emplace_back(executor, work.go_on(main, i % 2 == 0));
        while (work.acknowledged < 200)
            co_await moment();
        servers_.crash_primary();
        const auto at_crash = work.all.size();
        while (work.all.size() < at_crash + 2 * many) // nobody is left without an answer
            co_await moment();
        servers_.promote();
        const auto acknowledged = work.acknowledged;
        while (work.acknowledged < acknowledged + 200)
            co_await moment();
        work.stop = true;
        for (auto& one : running)
            co_await one.result();
        EXPECT_EQ(main.pool().evict_host(old_host), 0U) << "nobody is connected to the old one";

        const auto found = notes();
        for (const auto& each : work.all) {
            const auto at = found.find(each.number);
            const int times = at == found.end() ? 0 : at->second;
            if (each.ended == "ok") {
                EXPECT_EQ(times, 1) << each.number;
                continue;
            }
            EXPECT_THAT(each.ended, AnyOf("commit_unknown", is_outage()));
            const bool may_be_there = each.alone || each.ended == "commit_unknown";
            EXPECT_LE(times, may_be_there ? 1 : 0) << each.number << " ended with " << each.ended;
        }
        EXPECT_LE(work.count("commit_unknown"), many) << "only what was under way";

        // The old one returns as what the new one was.
        servers_.rejoin_with_copy();
        co_await until_standby_answers(main);
        EXPECT_TRUE(co_await main.read({.max_staleness = 10s}).fetchval<bool>("SELECT pg_is_in_recovery()"));
        EXPECT_GT(main.standbys().pool().evict_host(old_host), 0U);
    });
}

TEST_F(failover, leaves_a_primary_that_returns_as_a_standby)
{
    const auto first = servers_.primary_host();
    const auto second = servers_.standby_host();
    run([&](database& main) -> asio::awaitable<void> {
        // Knows one host only, and takes whatever it is.
        auto options = options_;
        options.name = "simple";
        options.standbys.enabled = false;
        options.connect.target_session = pg::target_session_attributes::any;
        options.connect.hosts.resize(1);
        options.pool.minimum = 0;
        database simple(co_await asio::this_coro::executor, options);
        co_await simple.open();
        EXPECT_EQ(co_await end_of(test::note(simple, 1)), "ok");
        co_await until_standby_answers(main);
        EXPECT_GT(main.standbys().pool().evict_host(second), 0U);

        servers_.stop_primary();
        servers_.promote();
        servers_.rejoin();
        std::string ended;
        do {
            ended = co_await end_of(test::note(main, 2));
            EXPECT_THAT(ended, AnyOf("ok", is_outage()));
        } while (ended != "ok");
        EXPECT_EQ(main.pool().evict_host(first), 0U);
        do { // first those who meet the end of the old server
            ended = co_await end_of(test::note(simple, 3));
            EXPECT_THAT(ended, AnyOf("25006", is_outage()));
        } while (ended != "25006");
        EXPECT_EQ(simple.pool().evict_host(first), 0U) << "no connection to it is kept";
        co_await until_standby_answers(main);
        EXPECT_GT(main.standbys().pool().evict_host(first), 0U) << "where reads go now";

        servers_.stop_primary();
        servers_.promote();
        servers_.rejoin();
        while (co_await end_of(test::note(simple, 4)) != "ok")
            co_await moment();
        while (co_await end_of(test::note(main, 5)) != "ok")
            co_await moment();
        co_await simple.close();
        const auto found = notes();
        EXPECT_EQ(found.count(3), 0U);
        for (const int number : {1, 2, 4, 5})
            EXPECT_EQ(found.at(number), 1) << number;
    });
}

} // namespace
} // namespace tradecore
