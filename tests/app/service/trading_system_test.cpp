// SPDX-License-Identifier: Apache-2.0
#include "domain/codec.hpp"
#include "memory_store.hpp"
#include "service/trading_system.hpp"
#include "support/errors.hpp"
#include "support/run.hpp"

#include <tradecore/observe/capture.hpp>
#include <tradecore/pg/error.hpp>

#include <gtest/gtest.h>

namespace {

using namespace tradecore;
using namespace tradecore::app;
using app::testing::memory_store;
using service::answer;
using service::trading_system;
using tradecore::test::run;

namespace asio = boost::asio;

const auto user = domain::uuid5(domain::tradecore_namespace, "user");
const auto account = domain::uuid5(domain::tradecore_namespace, "account");
const auto now = domain::parse_timestamp("2024-01-01T00:00:00Z");

domain::uuid command(std::string_view name)
{
    return domain::uuid5(domain::tradecore_namespace, name);
}

constexpr service::patience quick{
    .pauses = {.base = std::chrono::milliseconds(1), .cap = std::chrono::milliseconds(1)}};

void lose_connection()
{
    throw pg::connection_error(pg::client_errc::connection_closed, "the connection is gone");
}

asio::awaitable<answer> open(trading_system& on)
{
    return on.handle(
        command("open"), domain::open_account{.account_id = account, .user_id = user, .currency = "USD", .at = now});
}

asio::awaitable<answer> deposit(trading_system& on, std::string_view id, std::int64_t amount)
{
    return on.handle(command(id), account, domain::deposit{.amount = domain::money::whole(amount), .at = now});
}

TEST(trading_system, appends_what_was_decided_and_keeps_the_state)
{
    run([]() -> asio::awaitable<void> {
        memory_store store;
        trading_system trading(store, true);
        EXPECT_TRUE((co_await open(trading)).accepted());
        const auto answered = co_await deposit(trading, "first", 100);
        EXPECT_EQ(answered.events.size(), 1U);
        EXPECT_EQ(answered.events[0].version, 2);
        EXPECT_EQ(trading.account(account)->free, domain::money::whole(100));
        EXPECT_EQ(store.reads, 0);
    });
}

TEST(trading_system, answers_a_repeated_command_with_its_first_result)
{
    run([]() -> asio::awaitable<void> {
        memory_store store;
        trading_system trading(store, true);
        co_await open(trading);
        const auto first = co_await deposit(trading, "first", 100);
        const auto again = co_await deposit(trading, "first", 100);
        EXPECT_TRUE(again.duplicate);
        EXPECT_EQ(again.events.at(0).id, first.events.at(0).id);
        EXPECT_EQ(trading.account(account)->free, domain::money::whole(100));
        EXPECT_EQ(trading.repeated(), 1U);
    });
}

TEST(trading_system, answers_a_command_that_was_recorded_although_it_would_be_rejected_now)
{
    run([]() -> asio::awaitable<void> {
        memory_store store;
        trading_system earlier(store, true);
        co_await open(earlier);
        trading_system later(store, false); // reads the stream, where the account exists already
        co_await deposit(later, "first", 1);
        const auto again = co_await open(earlier);
        EXPECT_TRUE(again.accepted());
        EXPECT_TRUE(again.duplicate);
        EXPECT_EQ(again.events.at(0).type, "AccountCreated");
    });
}

TEST(trading_system, decides_anew_when_somebody_else_was_faster)
{
    run([]() -> asio::awaitable<void> {
        memory_store store;
        trading_system trading(store, true);
        co_await open(trading);
        store.before_append = [&store](const events::append_request& request) {
            auto other = domain::encode(domain::funds_deposited{account, domain::money::whole(5), now});
            store.write(
                {command("other"),
                 {{request.streams.at(0).stream,
                   "account",
                   events::expected_version::any(),
                   {{command("event"), std::string(other.type), 1, std::move(other.data), nullptr}}}}});
        };
        const auto answered = co_await deposit(trading, "first", 100);
        EXPECT_EQ(answered.events.at(0).version, 3);
        EXPECT_EQ(trading.account(account)->free, domain::money::whole(105));
        EXPECT_EQ(store.reads, 1);
    });
}

TEST(trading_system, tries_again_until_the_store_answers)
{
    const observe::capture quiet;
    run([]() -> asio::awaitable<void> {
        memory_store store;
        trading_system trading(store, true, quick);
        co_await open(trading);
        store.before_append = [](const events::append_request&) { lose_connection(); };
        const auto answered = co_await deposit(trading, "first", 100);
        EXPECT_FALSE(answered.duplicate);
        EXPECT_EQ(trading.account(account)->free, domain::money::whole(100));
        EXPECT_EQ(trading.repetitions_made().attempts, 1U);
    });
}

TEST(trading_system, carries_out_a_command_once_whose_answer_was_lost)
{
    const observe::capture quiet;
    run([]() -> asio::awaitable<void> {
        memory_store store;
        trading_system trading(store, true, quick);
        co_await open(trading);
        store.after_append = &lose_connection;
        const auto answered = co_await deposit(trading, "first", 100);
        EXPECT_TRUE(answered.duplicate);
        EXPECT_EQ(answered.events.size(), 1U);
        EXPECT_EQ(store.log.size(), 2U);
        EXPECT_EQ(trading.account(account)->free, domain::money::whole(100));
    });
}

TEST(trading_system, gives_up_when_the_store_does_not_answer_for_too_long)
{
    const observe::capture quiet;
    run([]() -> asio::awaitable<void> {
        memory_store store;
        trading_system trading(store, true, {.limit = std::chrono::milliseconds(0)});
        store.before_append = [](const events::append_request&) { lose_connection(); };
        const auto error = co_await tradecore::test::error_of(open(trading));
        EXPECT_TRUE(tradecore::test::is<service::out_of_patience>(error)) << tradecore::test::what_of(error);
    });
}

TEST(trading_system, gives_up_when_another_writer_always_wins)
{
    run([]() -> asio::awaitable<void> {
        memory_store store;
        trading_system trading(store, true);
        co_await open(trading);
        int others = 0;
        std::function<void(const events::append_request&)> interfere = [&](const events::append_request& request) {
            auto other = domain::encode(domain::funds_deposited{account, domain::money::whole(1), now});
            const auto id = command("other/" + std::to_string(++others));
            store.write(
                {id,
                 {{request.streams.at(0).stream,
                   "account",
                   events::expected_version::any(),
                   {{id, std::string(other.type), 1, std::move(other.data), nullptr}}}}});
            store.before_append = interfere;
        };
        store.before_append = interfere;
        std::string message;
        try {
            co_await deposit(trading, "first", 100);
        }
        catch (const std::runtime_error& error) {
            message = error.what();
        }
        EXPECT_NE(message.find("met another writer 10 times in a row"), std::string::npos) << message;
    });
}

TEST(trading_system, answers_a_rejection_without_appending)
{
    run([]() -> asio::awaitable<void> {
        memory_store store;
        trading_system trading(store, true);
        const auto answered = co_await deposit(trading, "first", 100);
        EXPECT_FALSE(answered.accepted());
        EXPECT_EQ(store.appends, 0);
    });
}

TEST(trading_system, tells_its_listener_of_repeated_commands_too)
{
    run([]() -> asio::awaitable<void> {
        memory_store store;
        trading_system trading(store, true);
        std::vector<std::string> told;
        trading.on_appended([&told](std::vector<events::recorded_event> appended) -> asio::awaitable<void> {
            for (const auto& event : appended)
                told.push_back(event.type);
            co_return;
        });
        co_await open(trading);
        co_await open(trading);
        EXPECT_EQ(told, (std::vector<std::string>{"AccountCreated", "AccountCreated"}));
    });
}

} // namespace
