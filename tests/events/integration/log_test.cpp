// SPDX-License-Identifier: Apache-2.0
#include "events/integration/other_session.hpp"
#include "events/integration/store_fixture.hpp"

#include <tradecore/db/coroutines.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>

namespace tradecore::events::test {
namespace {

using namespace std::chrono_literals;

class Log : public store_test {};

asio::awaitable<std::vector<std::string>> streams_of_next(log_reader& reader, std::size_t limit = 100)
{
    std::vector<std::string> streams;
    const auto events = co_await reader.next(limit);
    streams.reserve(events.size());
    for (const auto& each : events) {
        streams.push_back(each.stream);
    }
    co_return streams;
}

using names = std::vector<std::string>;

TEST_F(Log, DeliversEverythingInPositionOrderFromWhereItIsOpened)
{
    with_store([](database&, postgres_store& store) -> asio::awaitable<void> {
        const auto first =
            co_await store.append(one("a", expected_version::any(), {event("A", {{"n", 1}}), event("B")}));
        co_await store.append(one("b", expected_version::any(), {event("C")}));
        const auto all = store.open_log(0);
        const auto events = co_await all->next(2);
        EXPECT_EQ(events.size(), 2U);
        EXPECT_EQ(events.at(0).id, first.events[0].id);
        EXPECT_EQ(events.at(0).data, first.events[0].data);
        EXPECT_EQ(all->position(), first.events[1].position);
        const auto rest = co_await streams_of_next(*all);
        EXPECT_EQ(rest, names{"b"});
        const auto end = co_await streams_of_next(*all);
        EXPECT_EQ(end, names{});

        const auto later = store.open_log(first.events[0].position);
        const auto second = co_await later->next(1);
        EXPECT_EQ(second.at(0).id, first.events[1].id);
    });
}

TEST_F(Log, HoldsBackWhatLiesBehindAnAppendThatIsUnderWay)
{
    with_store([this](database&, postgres_store& store) -> asio::awaitable<void> {
        other_session slow(scratch().dsn());
        slow.run("BEGIN");
        slow.append("slow");
        co_await store.append(one("fast", expected_version::any(), {event("E")}));

        const auto reader = store.open_log(0);
        for (int i = 0; i < 3; ++i) {
            const auto nothing = co_await streams_of_next(*reader);
            EXPECT_EQ(nothing, names{});
        }
        slow.run("COMMIT");
        const auto both = co_await streams_of_next(*reader);
        EXPECT_EQ(both, (names{"slow", "fast"}));
    });
}

TEST_F(Log, PassesAGapThatWasRolledBack)
{
    with_store([this](database&, postgres_store& store) -> asio::awaitable<void> {
        other_session slow(scratch().dsn());
        slow.run("BEGIN");
        slow.append("slow");
        co_await store.append(one("fast", expected_version::any(), {event("E")}));
        const auto reader = store.open_log(0);
        const auto nothing = co_await streams_of_next(*reader);
        EXPECT_EQ(nothing, names{});
        slow.run("ROLLBACK");
        const auto one_left = co_await streams_of_next(*reader);
        EXPECT_EQ(one_left, names{"fast"});
        EXPECT_EQ(reader->position(), 2);
    });
}

TEST_F(Log, PassesAGapWhileLaterAppendsAreUnderWay)
{
    with_store([this](database&, postgres_store& store) -> asio::awaitable<void> {
        other_session first(scratch().dsn());
        first.run("BEGIN");
        first.append("first");
        co_await store.append(one("a", expected_version::any(), {event("E")}));
        const auto reader = store.open_log(0);
        const auto nothing = co_await streams_of_next(*reader); // the fence is up: 1 and 2 are drawn
        EXPECT_EQ(nothing, names{});
        other_session second(scratch().dsn());
        second.run("BEGIN");
        second.append("second");
        co_await store.append(one("b", expected_version::any(), {event("E")}));
        first.run("ROLLBACK");
        const auto passed = co_await streams_of_next(*reader);
        EXPECT_EQ(passed, names{"a"});
        const auto held = co_await streams_of_next(*reader);
        EXPECT_EQ(held, names{});
        second.run("COMMIT");
        const auto rest = co_await streams_of_next(*reader);
        EXPECT_EQ(rest, (names{"second", "b"}));
    });
}

TEST_F(Log, IsNotHeldUpByTransactionsThatAppendNothing)
{
    with_store([this](database&, postgres_store& store) -> asio::awaitable<void> {
        other_session idle(scratch().dsn());
        idle.run("BEGIN; CREATE TABLE something (n int); INSERT INTO something VALUES (1); SELECT * FROM es.events");
        other_session failed(scratch().dsn());
        failed.run("BEGIN");
        failed.append("failed");
        failed.run("ROLLBACK");
        co_await store.append(one("a", expected_version::any(), {event("E")}));
        const auto reader = store.open_log(0);
        const auto passed = co_await streams_of_next(*reader);
        EXPECT_EQ(passed, names{"a"});
    });
}

TEST_F(Log, GoesOnAfterAGapInSlices)
{
    with_store([this](database&, postgres_store& store) -> asio::awaitable<void> {
        other_session failed(scratch().dsn());
        failed.run("BEGIN");
        failed.append("failed");
        co_await store.append(one("a", expected_version::any(), {event("E"), event("E")}));
        failed.append("failed");
        co_await store.append(one("b", expected_version::any(), {event("E")}));
        failed.run("ROLLBACK");
        const auto reader = store.open_log(0);
        names all;
        for (int i = 0; i < 3; ++i) {
            const auto next = co_await streams_of_next(*reader, 1);
            EXPECT_EQ(next.size(), 1U);
            all.insert(all.end(), next.begin(), next.end());
        }
        EXPECT_EQ(all, (names{"a", "a", "b"}));
        const auto end = co_await streams_of_next(*reader, 1);
        EXPECT_EQ(end, names{});
    });
}

TEST_F(Log, RefusesToReadInsideATransaction)
{
    with_store([](database& db, postgres_store& store) -> asio::awaitable<void> {
        const auto reader = store.open_log(0);
        const auto body = [&]() -> asio::awaitable<void> { co_await reader->next(1); };
        const auto refused = co_await thrown_by<std::logic_error>(db.transaction(body));
        EXPECT_TRUE(refused);
        const auto empty_wish = co_await thrown_by<std::invalid_argument>(reader->next(0));
        EXPECT_TRUE(empty_wish);
    });
}

// Should the wake-up be lost, the hour ends the test by its own limit.
TEST_F(Log, WakesWhoWaitsWhenThisProcessAppends)
{
    with_store([](database&, postgres_store& store) -> asio::awaitable<void> {
        const auto reader = store.open_log(0);
        const auto waiting = [&]() -> asio::awaitable<names> {
            names seen;
            while (seen.empty()) {
                co_await store.wait(reader->position(), 1h);
                seen = co_await streams_of_next(*reader);
            }
            co_return seen;
        };
        const auto appending = [&]() -> asio::awaitable<void> {
            co_await store.append(one("a", expected_version::any(), {event("E")}));
        };
        const auto done = co_await when_all(waiting(), appending());
        EXPECT_EQ(std::get<0>(done), names{"a"});
    });
}

TEST_F(Log, FindsByPollingWhatAnotherProcessAppends)
{
    with_store([this](database&, postgres_store& store) -> asio::awaitable<void> {
        co_await store.wait(0, 1ms); // nothing there: comes back
        other_session other(scratch().dsn());
        other.append("a");
        co_await store.wait(0, 1h);
        const auto reader = store.open_log(0);
        const auto seen = co_await streams_of_next(*reader);
        EXPECT_EQ(seen, names{"a"});
    });
}

TEST_F(Log, EndsAWaitThatIsCancelled)
{
    with_store([](database&, postgres_store& store) -> asio::awaitable<void> {
        const auto stopped = co_await thrown_by<pg::timeout_error>(with_timeout(5ms, store.wait(0, 1h)));
        EXPECT_TRUE(stopped);
    });
}

struct rolled_back_on_purpose {};

// One writer of the torture below: appends in transactions that commit late or roll back.
asio::awaitable<int> write_roughly(database db, postgres_store& store, unsigned seed, int rounds)
{
    std::mt19937 random(seed);
    int rolled_back = 0;
    for (int round = 0; round < rounds; ++round) {
        const bool fails = random() % 6 == 0;
        const auto late = std::chrono::milliseconds(random() % 4 == 0 ? random() % 8 : 0);
        auto request = one("s" + std::to_string(random() % 20), expected_version::any(), {});
        for (auto left = 1 + random() % 3; left > 0; --left) {
            request.streams.front().events.push_back(event("E"));
        }
        const auto body = [&]() -> asio::awaitable<void> {
            co_await store.append(request);
            if (late > 0ms) {
                asio::steady_timer timer(co_await asio::this_coro::executor);
                timer.expires_after(late);
                co_await timer.async_wait(asio::use_awaitable);
            }
            if (fails) {
                throw rolled_back_on_purpose();
            }
        };
        const auto failed = co_await thrown_by<rolled_back_on_purpose>(db.transaction(body));
        rolled_back += failed ? 1 : 0;
    }
    co_return rolled_back;
}

// Writers that commit late, roll back and overtake each other, against a reader of the same time.
TEST_F(Log, LosesNothingRepeatsNothingAndKeepsTheOrderUnderFire)
{
    constexpr unsigned writers = 8;
    constexpr int rounds = 50;
    with_store(
        [](database& db, postgres_store& store) -> asio::awaitable<void> {
            bool written = false;
            std::vector<recorded_event> seen;
            int held_back = 0;
            const auto reading = [&]() -> asio::awaitable<void> {
                const auto reader = store.open_log(0);
                for (bool last = false;;) {
                    const bool final_round = written;
                    auto events = co_await reader->next(7);
                    if (events.empty()) {
                        if (std::exchange(last, final_round) && final_round) {
                            break;
                        }
                        const auto head = co_await store.head();
                        held_back += head > reader->position() ? 1 : 0;
                        co_await store.wait(reader->position(), 20ms);
                    }
                    std::ranges::move(events, std::back_inserter(seen));
                }
            };
            const auto writing = [&]() -> asio::awaitable<int> {
                std::vector<asio::awaitable<int>> all;
                all.reserve(writers);
                for (unsigned i = 0; i < writers; ++i) {
                    all.push_back(write_roughly(db, store, i, rounds));
                }
                const auto rolled_back = co_await when_all(std::move(all));
                written = true;
                co_return std::accumulate(rolled_back.begin(), rolled_back.end(), 0);
            };
            const auto ended = co_await when_all(reading(), writing());

            const auto committed = co_await db.fetch<std::int64_t>("SELECT position FROM es.events ORDER BY position");
            std::vector<std::int64_t> delivered;
            std::map<std::string, std::int64_t> versions;
            for (const auto& each : seen) {
                delivered.push_back(each.position);
                EXPECT_EQ(each.version, ++versions[each.stream]) << each.stream << " at " << each.position;
            }
            EXPECT_EQ(delivered, committed);
            EXPECT_GT(std::get<1>(ended), 0) << "some appends must have left gaps";
            EXPECT_GT(held_back, 0) << "the reader must have met appends under way";
        },
        writers + 2);
}

} // namespace
} // namespace tradecore::events::test
