// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/database.hpp>
#include <tradecore/events/postgres_store.hpp>
#include <tradecore/projection/engine.hpp>

#include <boost/asio/this_coro.hpp>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tradecore::projection::test {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::seconds;

inline std::string shipped_sql(const std::string& file)
{
    std::ifstream in(std::filesystem::path(TRADECORE_SOURCE_ROOT) / "database" / file);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// A projector that shows every event counted twice, left out or taken out of order: each stream's row is
/// a hash over its versions, in the order they were applied.
class chain_projector : public projector {
public:
    [[nodiscard]] std::string_view name() const noexcept override { return "chain"; }
    [[nodiscard]] int version() const noexcept override { return 1; }
    [[nodiscard]] std::optional<mode> mode_of(std::string_view type) const override
    {
        if (type == "Ignored") {
            return std::nullopt;
        }
        return type == "Sync" ? mode::sync : mode::async;
    }
    [[nodiscard]] asio::awaitable<void> apply(database& read, std::span<const events::recorded_event> batch) override
    {
        for (const auto& event : batch) {
            ++calls;
            if (before) {
                co_await before(read, event);
            }
            co_await read.execute(
                "INSERT INTO chain AS c VALUES ($1, 1, md5($2)) ON CONFLICT (stream) DO UPDATE "
                "SET events = c.events + 1, hash = md5(c.hash || $2)",
                event.stream, std::to_string(event.version));
        }
    }

    /// Called before each event is written; throws, waits, or does what the test needs.
    std::function<asio::awaitable<void>(database&, const events::recorded_event&)> before;
    int calls = 0;
};

/// A database with an event store, a read model beside it, and cursors.
class projection_test : public ::testing::Test {
protected:
    struct world {
        database& read;
        database& other; // the same database through another pool
        events::postgres_store& store;
        chain_projector& chain;
    };

    projection_test()
    {
        scratch_.run(shipped_sql("event_store.sql"));
        scratch_.run(shipped_sql("projection.sql"));
        scratch_.run("CREATE TABLE chain (stream text PRIMARY KEY, events bigint NOT NULL, hash text NOT NULL)");
    }

    [[nodiscard]] static database_options
    options_of(const tradecore::test::scratch_database& where, std::size_t connections)
    {
        database_options wanted;
        wanted.connect = pg::connect_options::parse(where.dsn());
        wanted.pool.minimum = 1;
        wanted.pool.maximum = connections;
        wanted.retries.outage.max_attempts = 1; // what projections themselves do about an outage is to be seen
        return wanted;
    }

    /// Runs a test body with open databases.
    template <class Body>
    void in_world(Body body, std::size_t connections = 4)
    {
        tradecore::test::run([&]() -> asio::awaitable<void> {
            const auto executor = co_await asio::this_coro::executor;
            database read(executor, options_of(scratch_, connections));
            database other(executor, options_of(scratch_, 2));
            co_await read.open();
            co_await other.open();
            events::postgres_store store(read);
            chain_projector chain;
            world here{.read = read, .other = other, .store = store, .chain = chain};
            co_await body(here);
            co_await read.close();
            co_await other.close();
        });
    }

    /// The value of a query, through libpq.
    [[nodiscard]] std::string value(const std::string& sql) const { return scratch_.run(sql); }
    [[nodiscard]] std::string stream_row(const std::string& stream) const
    {
        return value(
            "SELECT concat_ws(' ', state, applied_version, attempts) FROM proj.stream WHERE stream = '" + stream + "'");
    }
    /// How many streams of the store are not in the read model exactly as they should.
    [[nodiscard]] static std::string
    wrong_streams(const tradecore::test::scratch_database& read, const std::string& versions_sql)
    {
        return read.run(
            "WITH RECURSIVE s(stream, version) AS (" + versions_sql +
            "), c(stream, i, h) AS (SELECT stream, 0::bigint, '' FROM s UNION ALL "
            "SELECT c.stream, i + 1, md5(h || (i + 1)::text) FROM c JOIN s USING (stream) WHERE i < version) "
            "SELECT count(*) FROM s JOIN c ON c.stream = s.stream AND c.i = s.version "
            "FULL JOIN chain ON chain.stream = s.stream "
            "WHERE chain.hash IS DISTINCT FROM c.h OR chain.events IS DISTINCT FROM s.version");
    }
    [[nodiscard]] std::string wrong_streams() const
    {
        return wrong_streams(scratch_, "SELECT stream_id, version FROM es.streams");
    }

    const tradecore::test::scratch_database& scratch() const { return scratch_; }

private:
    tradecore::test::scratch_database scratch_{"projection"};
};

/// Appends one event of each type.
inline asio::awaitable<std::vector<events::recorded_event>>
append(events::event_store& store, std::string stream, std::vector<std::string> types)
{
    static boost::uuids::random_generator fresh;
    events::append_request request;
    request.streams.push_back(
        {.stream = std::move(stream),
         .stream_type = "thing",
         .expected = events::expected_version::any(),
         .events = {}});
    for (auto& type : types) {
        request.streams.front().events.push_back(
            {.id = fresh(), .type = std::move(type), .schema_version = 1, .data = boost::json::object(), .meta = {}});
    }
    auto result = co_await store.append(std::move(request));
    co_return std::move(result.events);
}

/// Quick retries and short rests, for tests that go through many; time enough for what is to be done in time.
inline options quick_options()
{
    options how;
    how.retry = {.base = milliseconds{1}, .cap = milliseconds{20}};
    how.outage = {.base = milliseconds{1}, .cap = milliseconds{20}};
    how.idle_poll = milliseconds{200};
    how.sync_budget = how.park_budget = std::chrono::minutes{1};
    return how;
}

/// Awaits `work` and returns the exception of type E it threw, if it threw one.
template <class E, class T>
asio::awaitable<std::optional<E>> thrown_by(asio::awaitable<T> work)
{
    std::optional<E> caught;
    try {
        static_cast<void>(co_await std::move(work));
    }
    catch (const E& error) {
        caught = error;
    }
    co_return caught;
}

template <class E>
asio::awaitable<std::optional<E>> thrown_by(asio::awaitable<void> work)
{
    std::optional<E> caught;
    try {
        co_await std::move(work);
    }
    catch (const E& error) {
        caught = error;
    }
    co_return caught;
}

} // namespace tradecore::projection::test
