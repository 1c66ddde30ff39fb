// SPDX-License-Identifier: Apache-2.0
#include "../support/backend.hpp"
#include "../support/scripted_server.hpp"

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

} // namespace
