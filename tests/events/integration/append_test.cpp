// SPDX-License-Identifier: Apache-2.0
#include "events/integration/store_fixture.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/errors.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace tradecore::events::test {
namespace {

class Append : public store_test {};

std::vector<std::int64_t> versions_of(const std::vector<recorded_event>& events)
{
    std::vector<std::int64_t> versions;
    versions.reserve(events.size());
    for (const auto& each : events) {
        versions.push_back(each.version);
    }
    return versions;
}

TEST_F(Append, GivesPositionsAndVersionsInTheOrderOfTheRequest)
{
    with_store([](database&, postgres_store& store) -> asio::awaitable<void> {
        const auto first = co_await store.append(
            one("a", expected_version::no_stream(), {event("Created"), event("Changed", {{"x", "1.50"}})}));
        EXPECT_FALSE(first.duplicate);
        EXPECT_EQ(versions_of(first.events), (std::vector<std::int64_t>{1, 2}));
        EXPECT_LT(first.events[0].position, first.events[1].position);
        EXPECT_EQ(first.events[1].type, "Changed");
        EXPECT_EQ(first.events[1].stream, "a");
        const auto second = co_await store.append(one("a", expected_version::exactly(2), {event("Changed")}));
        EXPECT_EQ(versions_of(second.events), (std::vector<std::int64_t>{3}));
        EXPECT_GT(second.events[0].position, first.events[1].position);
        const auto third = co_await store.append(one("a", expected_version::any(), {event("Changed")}));
        EXPECT_EQ(versions_of(third.events), (std::vector<std::int64_t>{4}));
    });
}

TEST_F(Append, ReadsBackWhatItReturned)
{
    with_store([](database&, postgres_store& store) -> asio::awaitable<void> {
        auto full = event("Created", {{"amount", "12345678901234567890.12345678"}, {"list", {1, 2, nullptr}}});
        full.schema_version = 3;
        full.meta = {{"cause", "x"}};
        const auto appended =
            co_await store.append(one("ä 'quoted'", expected_version::no_stream(), {full, event("E")}));
        const auto read = co_await store.read_stream("ä 'quoted'", 0, 10);
        EXPECT_EQ(read.size(), 2U);
        for (std::size_t i = 0; i < read.size(); ++i) {
            EXPECT_EQ(read[i].position, appended.events[i].position);
            EXPECT_EQ(read[i].stream, appended.events[i].stream);
            EXPECT_EQ(read[i].version, appended.events[i].version);
            EXPECT_EQ(read[i].id, appended.events[i].id);
            EXPECT_EQ(read[i].type, appended.events[i].type);
            EXPECT_EQ(read[i].schema_version, appended.events[i].schema_version);
            EXPECT_EQ(read[i].data, appended.events[i].data);
            EXPECT_EQ(read[i].meta, appended.events[i].meta);
            EXPECT_EQ(read[i].recorded_at, appended.events[i].recorded_at);
        }
        const auto later = co_await store.read_stream("ä 'quoted'", 1, 10);
        EXPECT_EQ(versions_of(later), (std::vector<std::int64_t>{2}));
        const auto cut = co_await store.read_stream("ä 'quoted'", 0, 1);
        EXPECT_EQ(versions_of(cut), (std::vector<std::int64_t>{1}));
        const auto none = co_await store.read_stream("unknown", 0, 10);
        EXPECT_TRUE(none.empty());
    });
}

TEST_F(Append, RefusesAnotherVersionAndUsesNoPosition)
{
    with_store([](database& db, postgres_store& store) -> asio::awaitable<void> {
        co_await store.append(one("a", expected_version::no_stream(), {event("E"), event("E")}));
        const auto before = co_await db.fetchval<std::int64_t>("SELECT last_value FROM es.event_position");

        const auto behind = co_await thrown_by<wrong_expected_version>(
            store.append(one("a", expected_version::exactly(1), {event("E")})));
        EXPECT_TRUE(behind && behind->stream() == "a" && behind->actual() == 2);
        EXPECT_TRUE(behind && behind->expected() == expected_version::exactly(1));
        EXPECT_STREQ(behind ? behind->what() : "", "stream 'a': expected version 1, but it is 2");
        const auto exists = co_await thrown_by<wrong_expected_version>(
            store.append(one("a", expected_version::no_stream(), {event("E")})));
        EXPECT_TRUE(exists && exists->actual() == 2);
        const auto missing = co_await thrown_by<wrong_expected_version>(
            store.append(one("b", expected_version::exactly(1), {event("E")})));
        EXPECT_STREQ(missing ? missing->what() : "", "stream 'b': expected version 1, but the stream does not exist");

        const auto after = co_await db.fetchval<std::int64_t>("SELECT last_value FROM es.event_position");
        EXPECT_EQ(after, before);
    });
}

TEST_F(Append, WritesSeveralStreamsTogetherOrNone)
{
    with_store([](database& db, postgres_store& store) -> asio::awaitable<void> {
        co_await store.append(one("b", expected_version::no_stream(), {event("E")}));
        append_request request;
        request.streams.push_back({"c", "C", expected_version::no_stream(), {event("C1"), event("C2")}});
        request.streams.push_back({"a", "A", expected_version::any(), {event("A1")}});
        request.streams.push_back({"b", "B", expected_version::exactly(1), {event("B2")}});
        const auto done = co_await store.append(request);
        EXPECT_EQ(versions_of(done.events), (std::vector<std::int64_t>{1, 2, 1, 2}));
        EXPECT_TRUE(std::ranges::is_sorted(done.events, {}, &recorded_event::position));
        std::vector<std::string> types;
        for (const auto& each : done.events) {
            types.push_back(each.type);
            const auto stored = co_await db.fetchval<std::string>(
                "SELECT stream_id || version FROM es.events WHERE position = $1", each.position);
            EXPECT_EQ(stored, each.stream + std::to_string(each.version));
        }
        EXPECT_EQ(types, (std::vector<std::string>{"C1", "C2", "A1", "B2"}));

        append_request refused;
        refused.streams.push_back({"d", "D", expected_version::no_stream(), {event("D1")}});
        refused.streams.push_back({"b", "B", expected_version::exactly(1), {event("B3")}});
        const auto error = co_await thrown_by<wrong_expected_version>(store.append(refused));
        EXPECT_TRUE(error && error->stream() == "b" && error->actual() == 2);
        const auto written = co_await store.read_stream("d", 0, 10);
        EXPECT_TRUE(written.empty());
    });
}

TEST_F(Append, OnlyChecksAStreamThatGetsNoEvents)
{
    with_store([](database& db, postgres_store& store) -> asio::awaitable<void> {
        co_await store.append(one("guard", expected_version::no_stream(), {event("E")}));
        append_request request;
        request.streams.push_back({"guard", "G", expected_version::exactly(1), {}});
        request.streams.push_back({"a", "A", expected_version::no_stream(), {event("A1")}});
        const auto done = co_await store.append(request);
        EXPECT_EQ(versions_of(done.events), (std::vector<std::int64_t>{1}));
        const auto version =
            co_await db.fetchval<std::int64_t>("SELECT version FROM es.streams WHERE stream_id = 'guard'");
        EXPECT_EQ(version, 1);
        request.streams[0].expected = expected_version::exactly(7);
        const auto error = co_await thrown_by<wrong_expected_version>(store.append(request));
        EXPECT_TRUE(error && error->stream() == "guard" && error->actual() == 1);
        const auto alone =
            co_await thrown_by<wrong_expected_version>(store.append(one("nobody", expected_version::exactly(1), {})));
        EXPECT_TRUE(alone && alone->stream() == "nobody" && alone->actual() == 0);
    });
}

TEST_F(Append, GivesTheFirstResultForTheSameCommand)
{
    with_store([](database& db, postgres_store& store) -> asio::awaitable<void> {
        const auto command = fresh_id();
        const auto first = co_await store.append(
            one("a", expected_version::no_stream(), {event("E", {{"n", 1}}), event("F")}, command));
        co_await store.append(one("a", expected_version::exactly(2), {event("G")}));
        // With whatever expectation and events: the command was carried out.
        const auto again = co_await store.append(one("a", expected_version::exactly(3), {event("X")}, command));
        EXPECT_TRUE(again.duplicate);
        EXPECT_EQ(again.events.size(), 2U);
        for (std::size_t i = 0; i < std::min(again.events.size(), first.events.size()); ++i) {
            EXPECT_EQ(again.events[i].position, first.events[i].position);
            EXPECT_EQ(again.events[i].id, first.events[i].id);
            EXPECT_EQ(again.events[i].data, first.events[i].data);
            EXPECT_EQ(again.events[i].version, first.events[i].version);
        }
        const auto count = co_await db.fetchval<std::int64_t>("SELECT count(*) FROM es.events");
        EXPECT_EQ(count, 3);
    });
}

TEST_F(Append, RecordsACommandWithoutEffect)
{
    with_store([](database&, postgres_store& store) -> asio::awaitable<void> {
        append_request request;
        request.command_id = fresh_id();
        const auto first = co_await store.append(request);
        EXPECT_FALSE(first.duplicate);
        EXPECT_TRUE(first.events.empty());
        const auto again = co_await store.append(request);
        EXPECT_TRUE(again.duplicate);
        EXPECT_TRUE(again.events.empty());
        const auto unknown = fresh_id();
        const std::vector<uuid> asked{unknown, *request.command_id};
        const auto recorded = co_await store.recorded_commands(asked);
        EXPECT_EQ(recorded, std::vector<uuid>{*request.command_id});
    });
}

TEST_F(Append, DoesNotRecordACommandThatConflicts)
{
    with_store([](database&, postgres_store& store) -> asio::awaitable<void> {
        const auto command = fresh_id();
        const auto refused = co_await thrown_by<wrong_expected_version>(
            store.append(one("a", expected_version::exactly(5), {event("E")}, command)));
        EXPECT_TRUE(refused);
        const auto done = co_await store.append(one("a", expected_version::no_stream(), {event("E")}, command));
        EXPECT_FALSE(done.duplicate);
    });
}

TEST_F(Append, RefusesAnEventIdThatIsInTheStore)
{
    with_store([](database&, postgres_store& store) -> asio::awaitable<void> {
        const auto same = event("E");
        co_await store.append(one("a", expected_version::any(), {same}));
        const auto refused =
            co_await thrown_by<unique_violation>(store.append(one("b", expected_version::any(), {same})));
        EXPECT_TRUE(refused);
        EXPECT_EQ(refused ? refused->diagnostics().constraint : "", "events_event_id");
    });
}

TEST_F(Append, RefusesARequestThatMakesNoSense)
{
    with_store([](database&, postgres_store& store) -> asio::awaitable<void> {
        const auto nothing = co_await thrown_by<std::invalid_argument>(store.append({}));
        EXPECT_TRUE(nothing);
        const auto nameless =
            co_await thrown_by<std::invalid_argument>(store.append(one("", expected_version::any(), {event("E")})));
        EXPECT_TRUE(nameless);
        auto twice = one("a", expected_version::any(), {event("E")});
        twice.streams.push_back(twice.streams.front());
        const auto repeated = co_await thrown_by<std::invalid_argument>(store.append(twice));
        EXPECT_STREQ(repeated ? repeated->what() : "", "append: stream 'a' is named twice");
        const auto typeless =
            co_await thrown_by<std::invalid_argument>(store.append(one("a", expected_version::any(), {event("")})));
        EXPECT_TRUE(typeless);
        auto no_id = event("E");
        no_id.id = {};
        const auto unnamed =
            co_await thrown_by<std::invalid_argument>(store.append(one("a", expected_version::any(), {no_id})));
        EXPECT_TRUE(unnamed);
    });
    EXPECT_THROW(static_cast<void>(expected_version::exactly(-1)), std::invalid_argument);
}

TEST_F(Append, BelongsToTheAmbientTransaction)
{
    with_store([](database& db, postgres_store& store) -> asio::awaitable<void> {
        const auto rolled_back = co_await thrown_by<std::runtime_error>(db.transaction(
            [&]() -> asio::awaitable<void> {
                co_await store.append(one("a", expected_version::no_stream(), {event("E")}));
                const auto inside = co_await store.read_stream("a", 0, 10);
                EXPECT_EQ(inside.size(), 1U);
                throw std::runtime_error("no");
            },
            {}));
        EXPECT_TRUE(rolled_back);
        const auto gone = co_await store.read_stream("a", 0, 10);
        EXPECT_TRUE(gone.empty());

        const auto body = [&]() -> asio::awaitable<void> {
            co_await store.append(one("a", expected_version::no_stream(), {event("E")}));
            const auto refused = co_await thrown_by<wrong_expected_version>(
                store.append(one("a", expected_version::no_stream(), {event("E")})));
            EXPECT_TRUE(refused);
            co_await store.append(one("a", expected_version::exactly(1), {event("E")}));
        };
        co_await db.transaction(body);
        const auto kept = co_await store.read_stream("a", 0, 10);
        EXPECT_EQ(versions_of(kept), (std::vector<std::int64_t>{1, 2})) << "usable after a conflict";
    });
}

// Many at once on one stream: exactly one of those that expect the same version wins.
TEST_F(Append, LetsOneOfManyWinAVersion)
{
    with_store(
        [](database&, postgres_store& store) -> asio::awaitable<void> {
            const auto contender = [](postgres_store& in) -> asio::awaitable<bool> {
                const auto lost = co_await thrown_by<wrong_expected_version>(
                    in.append(one("a", expected_version::no_stream(), {event("E")})));
                co_return !lost.has_value();
            };
            std::vector<asio::awaitable<bool>> all;
            all.reserve(8);
            for (int i = 0; i < 8; ++i) {
                all.push_back(contender(store));
            }
            const auto won = co_await when_all(std::move(all));
            EXPECT_EQ(std::ranges::count(won, true), 1);
            const auto read = co_await store.read_stream("a", 0, 10);
            EXPECT_EQ(read.size(), 1U);
        },
        8);
}

// The same command at once, over one and over several streams: carried out once, everybody gets its events.
TEST_F(Append, CarriesOutACommandOnceWhoeverRaces)
{
    with_store(
        [](database& db, postgres_store& store) -> asio::awaitable<void> {
            const auto contender = [](postgres_store& in, uuid command, int streams) -> asio::awaitable<append_result> {
                append_request request;
                request.command_id = command;
                for (int i = 0; i < streams; ++i) {
                    request.streams.push_back(
                        {"s" + std::to_string(i), "S", expected_version::any(), {event("E"), event("F")}});
                }
                return in.append(std::move(request));
            };
            for (int round = 0; round < 10; ++round) {
                const auto command = fresh_id();
                std::vector<asio::awaitable<append_result>> all;
                all.reserve(6);
                for (int i = 0; i < 6; ++i) {
                    all.push_back(contender(store, command, 1 + round % 3));
                }
                const auto results = co_await when_all(std::move(all));
                EXPECT_EQ(std::ranges::count(results, false, &append_result::duplicate), 1);
                for (const auto& each : results) {
                    EXPECT_EQ(each.events.size(), static_cast<std::size_t>(2 * (1 + round % 3)));
                    EXPECT_EQ(each.events.front().position, results.front().events.front().position);
                }
            }
            const auto holes =
                co_await db.fetchval<std::int64_t>("SELECT count(*) FROM es.streams s WHERE version <> (SELECT "
                                                   "count(*) FROM es.events e WHERE e.stream_id = "
                                                   "s.stream_id)");
            EXPECT_EQ(holes, 0);
        },
        6);
}

TEST_F(Append, NeedsPositionsThatNoSessionKeepsBack)
{
    EXPECT_EQ(scratch().run("SELECT seqcache FROM pg_sequence WHERE seqrelid = 'es.event_position'::regclass"), "1");
}

TEST_F(Append, SaysWhatTheStoreIs)
{
    with_store([this](database&, postgres_store& store) -> asio::awaitable<void> {
        const auto about = co_await store.info();
        EXPECT_EQ(about.partitions, 1U);
        EXPECT_TRUE(about.expected_versions && about.stream_reads && about.command_ids);
        const auto again = co_await store.info();
        EXPECT_EQ(again.epoch, about.epoch);
        const auto empty = co_await store.head();
        EXPECT_EQ(empty, 0);
        const auto done = co_await store.append(one("a", expected_version::any(), {event("E")}));
        const auto head = co_await store.head();
        EXPECT_EQ(head, done.events.back().position);
        scratch().run("SET tradecore.recreate = 'on'; " + event_store_sql());
        const auto recreated = co_await store.info();
        EXPECT_NE(recreated.epoch, about.epoch);
    });
}

} // namespace
} // namespace tradecore::events::test
