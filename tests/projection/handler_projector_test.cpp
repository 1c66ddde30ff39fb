// SPDX-License-Identifier: Apache-2.0
#include "support/run.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/projection/handler_projector.hpp>

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace tradecore::projection {

namespace {

namespace asio = boost::asio;

asio::awaitable<void> nothing(database&, const events::recorded_event&)
{
    co_return;
}

events::recorded_event event(std::string type, std::int64_t version)
{
    events::recorded_event made;
    made.type = std::move(type);
    made.stream = "s";
    made.version = version;
    return made;
}

TEST(handler_projector, says_how_each_type_is_applied)
{
    handler_projector users("users", 2);
    users.on("UserCreated", mode::sync, nothing).on("UserRenamed", mode::async, nothing);
    EXPECT_EQ(users.name(), "users");
    EXPECT_EQ(users.version(), 2);
    EXPECT_EQ(users.mode_of("UserCreated"), mode::sync);
    EXPECT_EQ(users.mode_of("UserRenamed"), mode::async);
    EXPECT_EQ(users.mode_of("OrderPlaced"), std::nullopt);
}

TEST(handler_projector, refuses_a_second_handler_of_a_type)
{
    handler_projector users("users", 1);
    users.on("UserCreated", mode::sync, nothing);
    try {
        users.on("UserCreated", mode::async, nothing);
        FAIL() << "accepted";
    }
    catch (const std::invalid_argument& e) {
        EXPECT_STREQ(e.what(), "projector 'users' has a handler of 'UserCreated' already");
    }
    EXPECT_EQ(users.mode_of("UserCreated"), mode::sync);
}

TEST(handler_projector, refuses_what_has_no_name_version_type_or_handler)
{
    EXPECT_THROW(handler_projector("", 1), std::invalid_argument);
    EXPECT_THROW(handler_projector("users", 0), std::invalid_argument);
    handler_projector users("users", 1);
    EXPECT_THROW(users.on("", mode::sync, nothing), std::invalid_argument);
    EXPECT_THROW(users.on("UserCreated", mode::sync, {}), std::invalid_argument);
}

TEST(handler_projector, calls_the_handlers_in_order)
{
    std::vector<std::string> calls;
    const auto note = [&](database&, const events::recorded_event& what) -> asio::awaitable<void> {
        calls.push_back(what.type + std::to_string(what.version));
        co_return;
    };
    handler_projector users("users", 1);
    users.on("A", mode::sync, note).on("B", mode::async, note);
    tradecore::test::run([&]() -> asio::awaitable<void> {
        database read;
        const std::vector<events::recorded_event> batch{event("A", 1), event("B", 2), event("A", 3)};
        co_await users.apply(read, batch);
    });
    EXPECT_EQ(calls, (std::vector<std::string>{"A1", "B2", "A3"}));
}

TEST(handler_projector, refuses_an_event_it_does_not_handle)
{
    handler_projector users("users", 1);
    const auto give = [&] {
        tradecore::test::run([&]() -> asio::awaitable<void> {
            database read;
            const std::vector<events::recorded_event> batch{event("A", 1)};
            co_await users.apply(read, batch);
        });
    };
    EXPECT_THROW(give(), std::logic_error);
}

} // namespace

} // namespace tradecore::projection
