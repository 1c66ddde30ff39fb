// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/events/postgres_store.hpp>

#include <boost/asio/this_coro.hpp>
#include <boost/uuid/random_generator.hpp>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

namespace tradecore::events::test {

namespace asio = boost::asio;

inline uuid fresh_id()
{
    static boost::uuids::random_generator generate;
    return generate();
}

inline new_event event(std::string type, boost::json::value data = boost::json::object())
{
    return {.id = fresh_id(), .type = std::move(type), .schema_version = 1, .data = std::move(data), .meta = {}};
}

inline append_request
one(std::string stream, expected_version expected, std::vector<new_event> events, std::optional<uuid> command = {})
{
    append_request request;
    request.command_id = command;
    request.streams.push_back(
        {.stream = std::move(stream), .stream_type = "thing", .expected = expected, .events = std::move(events)});
    return request;
}

inline std::string event_store_sql()
{
    std::ifstream in(std::filesystem::path(TRADECORE_SOURCE_ROOT) / "database/event_store.sql");
    return {std::istreambuf_iterator<char>(in), {}};
}

/// A database of its own with an empty event store.
class store_test : public ::testing::Test {
protected:
    store_test() { scratch_.run(event_store_sql()); }

    [[nodiscard]] database_options options(std::size_t connections = 4) const
    {
        database_options wanted;
        wanted.name = "main";
        wanted.connect = pg::connect_options::parse(scratch_.dsn());
        wanted.pool = {.minimum = 1, .maximum = connections};
        return wanted;
    }

    /// Runs a test body with an open database.
    template <class Body>
    void with_store(Body body, std::size_t connections = 4)
    {
        tradecore::test::run([&]() -> asio::awaitable<void> {
            const auto executor = co_await asio::this_coro::executor;
            database db(executor, options(connections));
            co_await db.open();
            postgres_store store(db);
            co_await body(db, store);
            co_await db.close();
        });
    }

    [[nodiscard]] const tradecore::test::scratch_database& scratch() const { return scratch_; }

private:
    tradecore::test::scratch_database scratch_{"events"};
};

/// Runs `work` and returns the exception of type E it threw; fails the test when it threw none.
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

} // namespace tradecore::events::test
