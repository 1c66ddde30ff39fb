// SPDX-License-Identifier: Apache-2.0
#include "../support/backend.hpp"
#include "../support/scenarios.hpp"
#include "../support/scripted_server.hpp"
#include "../support/toy_server.hpp"

#include <tradecore/pg/connection.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace tradecore;
using namespace tradecore::test;
namespace asio = boost::asio;

std::vector<std::string> whole_session()
{
    return {
        backend::authentication_ok() + backend::status("server_version", "15.0") + backend::key(1, 2) +
            backend::ready(),
        backend::parse_complete() + backend::parameters({23}) + backend::columns({{"n", 23}}, 0) + backend::ready(),
        backend::bind_complete() + backend::row({backend::i32(7)}) + backend::notice("01000", "by the way") +
            backend::complete("SELECT 1") + backend::ready(),
    };
}

struct outcome {
    std::optional<int> value;
    bool typed_error = false;
    std::string what;
};

// A wrong length can make both ends wait for each other: only a time limit ends that.
asio::awaitable<void> ask(std::string host, outcome& into, std::chrono::milliseconds limit = std::chrono::minutes(1))
{
    try {
        pg::connect_options options;
        options.hosts = {{.host = std::move(host)}};
        options.user = "trader";
        options.connect_timeout = limit;
        options.cancel_timeout = limit; // nobody answers a request to cancel here
        const auto connection = co_await pg::connection::connect(co_await asio::this_coro::executor, options);
        const auto answer = co_await connection->run(
            {.sql = {"SELECT $1::int", nullptr},
             .arguments = pg::parameters::encode(7),
             .options = {.timeout = limit}});
        into.value = answer[0]["n"].as<int>();
    }
    catch (const pg::error& error) {
        into.typed_error = true;
        into.what = error.what();
    }
}

outcome run_session(
    scripted_server::limits until, std::vector<std::string> replies = whole_session(),
    std::chrono::milliseconds limit = std::chrono::minutes(1))
{
    outcome seen;
    asio::io_context context;
    scripted_server server(context, std::move(replies), until);
    asio::co_spawn(context, ask(server.host(), seen, limit), asio::detached);
    context.run();
    return seen;
}

TEST(cut_session, succeeds_when_it_is_whole)
{
    const auto seen = run_session({});
    EXPECT_EQ(seen.value, 7) << seen.what;
}

TEST(cut_session, gives_a_typed_error_after_every_byte_of_the_server)
{
    std::size_t length = 0;
    for (const auto& reply : whole_session())
        length += reply.size();
    for (std::size_t cut = 0; cut < length; ++cut) {
        const auto seen = run_session({.sent = cut});
        ASSERT_TRUE(seen.typed_error) << "cut after byte " << cut;
        ASSERT_FALSE(seen.value) << "cut after byte " << cut;
    }
}

TEST(cut_session, gives_a_typed_error_after_every_byte_of_the_client)
{
    // Beyond this the client has sent everything it ever sends before its answer.
    asio::io_context context;
    outcome whole;
    scripted_server server(context, whole_session(), {});
    asio::co_spawn(context, ask(server.host(), whole), asio::detached);
    context.run();
    constexpr std::size_t goodbye = 5;
    for (std::size_t cut = 1; cut < server.received() - goodbye; ++cut)
        ASSERT_TRUE(run_session({.received = cut}).typed_error) << "cut after byte " << cut;
}

TEST(cut_session, takes_a_wrong_byte_anywhere_for_an_error_or_a_value_but_never_hangs)
{
    const auto session = whole_session();
    for (std::size_t reply = 0; reply < session.size(); ++reply) {
        for (std::size_t at = 0; at < session[reply].size(); ++at) {
            auto broken = session;
            broken[reply][at] = static_cast<char>(~broken[reply][at]);
            const auto seen = run_session({}, broken, std::chrono::milliseconds(30));
            ASSERT_TRUE(seen.typed_error || seen.value) << "reply " << reply << ", byte " << at;
        }
    }
}

TEST(cut_session, says_what_the_server_said_before_it_hung_up)
{
    auto session = whole_session();
    session[2] = backend::error("57P01", "terminating connection due to administrator command", "FATAL");
    const auto seen = run_session({}, session);
    EXPECT_TRUE(seen.typed_error);
    EXPECT_NE(seen.what.find("57P01"), std::string::npos) << seen.what;
}

TEST(cut_session, refuses_what_nobody_asked_for)
{
    auto session = whole_session();
    session[0] += backend::row({"x"});
    const auto seen = run_session({}, session);
    EXPECT_NE(seen.what.find("protocol violation"), std::string::npos) << seen.what;
}

// --- every operation -----------------------------------------------------------------------------------------------

struct ran {
    std::string result;
    std::exception_ptr error;
    bool ended = false;
    std::size_t sent = 0;
    std::size_t received = 0;
    std::size_t sent_before = 0; // until the connection was there
    std::size_t received_before = 0;
};

asio::awaitable<void> run_scenario(const toy_server& server, const scenario& which, ran& into)
{
    try {
        pg::connect_options options;
        options.hosts = {{.host = server.host()}};
        options.user = "trader";
        options.password = "pencil";
        options.connect_timeout = std::chrono::minutes(1);
        const auto connection = co_await pg::connection::connect(co_await asio::this_coro::executor, options);
        into.sent_before = server.sent();
        into.received_before = server.received();
        into.result = co_await which.run(*connection);
        into.received = server.received();
    }
    catch (...) {
        into.error = std::current_exception();
    }
    into.ended = true;
}

ran run_cut(const scenario& which, toy_server::limits until)
{
    ran seen;
    asio::io_context context(1);
    toy_server server(context, toy_server::never, until);
    asio::co_spawn(context, run_scenario(server, which, seen), asio::detached);
    // The server's acceptor never runs out of work: it is the scenario's end that is waited for.
    while (!seen.ended && context.run_one_for(std::chrono::seconds(20)) > 0) {
    }
    seen.sent = server.sent();
    return seen;
}

void expect_typed_error(const ran& seen, const scenario& which, std::size_t cut)
{
    ASSERT_TRUE(seen.ended) << which.name << " hangs, cut after byte " << cut;
    ASSERT_TRUE(seen.error) << which.name << " succeeded, cut after byte " << cut;
    try {
        std::rethrow_exception(seen.error);
    }
    catch (const pg::error&) {
        // typed
    }
    catch (const std::exception& error) {
        FAIL() << which.name << ", cut after byte " << cut << ": " << error.what();
    }
}

class cut_scenario : public testing::TestWithParam<scenario> {};

TEST_P(cut_scenario, succeeds_when_it_is_whole)
{
    const auto seen = run_cut(GetParam(), {});
    ASSERT_TRUE(seen.ended);
    if (seen.error)
        std::rethrow_exception(seen.error);
    EXPECT_EQ(seen.result, GetParam().result);
}

TEST_P(cut_scenario, gives_a_typed_error_after_every_byte_of_the_server)
{
    const auto whole = run_cut(GetParam(), {});
    ASSERT_FALSE(whole.error);
    // The first scenario stands for the begin of all of them. The last message may be one nobody waits for.
    const std::size_t first = &GetParam() == scenarios().data() ? 0 : whole.sent_before;
    std::size_t cut = first;
    while (cut < whole.sent && !HasFatalFailure()) {
        const auto seen = run_cut(GetParam(), {.sent = cut});
        if (seen.ended && !seen.error)
            break;
        expect_typed_error(seen, GetParam(), cut++);
    }
    // What is not needed for the result is at most the answer to cleaning up.
    EXPECT_GT(cut, first);
}

TEST_P(cut_scenario, gives_a_typed_error_after_every_byte_of_the_client)
{
    const auto whole = run_cut(GetParam(), {});
    ASSERT_FALSE(whole.error);
    const std::size_t first = &GetParam() == scenarios().data() ? 0 : whole.received_before;
    for (std::size_t cut = first; cut < whole.received && !HasFatalFailure();) {
        const auto seen = run_cut(GetParam(), {.received = cut});
        expect_typed_error(seen, GetParam(), cut);
        // Inside of a long message one place is like the next.
        cut += cut > first + 2'000 && cut + 2'000 < whole.received ? 997 : 1;
    }
}

INSTANTIATE_TEST_SUITE_P(
    every_operation, cut_scenario, testing::ValuesIn(scenarios().begin(), scenarios().end()),
    [](const auto& info) { return std::string(info.param.name); });

} // namespace
