// SPDX-License-Identifier: Apache-2.0
#include "../../support/backend.hpp"
#include "attempt.hpp"
#include "fake_servers.hpp"
#include "secure_server.hpp"
#include "support/postgres.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace tradecore;
using namespace tradecore::test;
namespace asio = boost::asio;
using pg::target_session_attributes;

pg::host_address at(std::uint16_t port)
{
    return {.host = "localhost", .hostaddr = "127.0.0.1", .port = port};
}

/// @returns a port where nobody listens: it is taken for as long as this program runs.
std::uint16_t closed_port()
{
    static asio::io_context context;
    static const asio::ip::tcp::socket held(context, {asio::ip::make_address("127.0.0.1"), 0});
    return held.local_endpoint().port();
}

/// Options with these hosts; the role is known to the real server of the tests without TLS.
pg::connect_options trying(std::vector<pg::host_address> hosts)
{
    auto options = pg::connect_options::parse(tcp_dsn());
    options.hosts = std::move(hosts);
    options.tls.mode = pg::ssl_mode::disable;
    options.connect_timeout = std::chrono::minutes(1);
    return options;
}

/// A session that answers one query with "not encrypted, fake".
std::vector<std::string> fake_session(const std::string& statuses)
{
    return {
        backend::authentication_ok() + statuses + backend::ready(),
        backend::parse_complete() + backend::parameters({}) + backend::columns({{"a", 25}, {"b", 25}}, 0) +
            backend::ready(),
        backend::bind_complete() + backend::row({"", "fake"}) + backend::complete("SELECT 1") + backend::ready()};
}

std::string reports(bool standby, bool read_only)
{
    return backend::status("in_hot_standby", standby ? "on" : "off") +
           backend::status("default_transaction_read_only", read_only ? "on" : "off");
}

/// What a server without the reports says when it is asked.
std::string asked_for_its_kind(bool standby, bool read_only)
{
    const auto one = [](const char* name, const char* value) {
        return backend::columns({{name, 25}}, 0) + backend::row({value}) + backend::complete("SELECT 1");
    };
    return one("transaction_read_only", read_only ? "on" : "off") + one("pg_is_in_recovery", standby ? "t" : "f") +
           backend::ready();
}

TEST(hosts, are_tried_until_one_will_do)
{
    asio::io_context context;
    const auto good = at(test::port());
    reciting_server starting(context, {backend::error("57P03", "the database system is starting up", "FATAL")});
    reciting_server full(context, {backend::error("53300", "sorry, too many clients already", "FATAL")});
    reciting_server hanging_up(context, {""});
    reciting_server confused(context, {"HTTP/1.1 400 Bad Request\r\n\r\n"});
    for (const auto port : {closed_port(), starting.port(), full.port(), hanging_up.port(), confused.port()}) {
        const auto seen = connect_on(context, trying({at(port), good}));
        EXPECT_TRUE(seen.connected) << seen;
        EXPECT_EQ(seen.user, scram_role) << seen;
    }
    pg::host_address nameless{.host = "no-such-host.invalid", .port = 5432};
    EXPECT_TRUE(connect_on(context, trying({nameless, good})).connected);
    reciting_server silent(context, {});
    auto impatient = trying({at(silent.port()), at(closed_port())});
    impatient.connect_timeout = std::chrono::milliseconds(300); // the second host's refusal is to come in time
    const auto seen = connect_on(context, impatient);
    EXPECT_EQ(seen.code, pg::client_errc::timeout) << seen;
    EXPECT_TRUE(seen.says("no host of 2 will do")) << seen;
    EXPECT_TRUE(seen.says("Connection refused")) << seen;
}

TEST(hosts, are_all_named_when_none_will_do)
{
    asio::io_context context;
    reciting_server starting(context, {backend::error("57P03", "the database system is starting up", "FATAL")});
    const auto down = closed_port();
    const auto seen = connect_on(context, trying({at(starting.port()), at(down)}));
    EXPECT_TRUE(seen.code == pg::condition::cannot_connect_now) << seen;
    EXPECT_TRUE(seen.says(std::to_string(starting.port()))) << seen;
    EXPECT_TRUE(seen.says("localhost:" + std::to_string(down))) << seen;
    EXPECT_TRUE(seen.says("Connection refused")) << seen;
    EXPECT_FALSE(seen.says(scram_password)) << seen;
    const auto one = connect_on(context, trying({at(down)}));
    EXPECT_EQ(one.code, pg::client_errc::cannot_connect) << one;
    EXPECT_FALSE(one.says("no host")) << one;
}

TEST(hosts, are_left_alone_by_options_that_are_wrong)
{
    asio::io_context context;
    reciting_server server(context, fake_session({}));
    const auto good = trying({at(server.port())});
    auto smuggling = good;
    smuggling.user += std::string("\0search_path\0evil", 17);
    EXPECT_THROW(connect_on(context, smuggling), std::invalid_argument);
    auto contradicting = good;
    contradicting.tls.mode = pg::ssl_mode::prefer;
    contradicting.tls.root_certificate = "system";
    EXPECT_THROW(connect_on(context, contradicting), std::invalid_argument);
    EXPECT_THROW(connect_on(context, trying({})), std::invalid_argument);
    EXPECT_EQ(server.clients(), 0);
}

TEST(hosts, are_not_tried_after_a_refusal_that_the_next_would_repeat)
{
    asio::io_context context;
    reciting_server next(context, fake_session({}));
    auto options = trying({at(test::port()), at(next.port())});
    options.password = "wrong one";
    const auto seen = connect_on(context, options);
    EXPECT_TRUE(seen.code == pg::condition::invalid_password) << seen;
    EXPECT_EQ(next.clients(), 0);
}

TEST(hosts, are_chosen_by_what_their_sessions_may_do)
{
    using enum target_session_attributes;
    struct server_kind {
        bool standby;
        bool read_only;
    };
    struct expectation {
        target_session_attributes wanted;
        server_kind other;
        bool fits;
    };
    constexpr server_kind writing{false, false};
    constexpr server_kind reading{false, true};
    constexpr server_kind copying{true, true};
    const std::vector<expectation> all{
        {any, writing, true},         {any, copying, true},         {read_write, writing, true},
        {read_write, reading, false}, {read_write, copying, false}, {read_only, writing, false},
        {read_only, reading, true},   {read_only, copying, true},   {primary, writing, true},
        {primary, reading, true},     {primary, copying, false},    {standby, writing, false},
        {standby, reading, false},    {standby, copying, true},     {prefer_standby, copying, true}};
    for (const auto& [wanted, kind, fits] : all) {
        SCOPED_TRACE(
            "wanted " + std::to_string(static_cast<int>(wanted)) + (kind.standby ? ", standby" : "") +
            (kind.read_only ? ", read only" : ""));
        for (const bool says_so : {true, false}) {
            asio::io_context context;
            auto script = fake_session(says_so ? reports(kind.standby, kind.read_only) : "");
            if (!says_so && wanted != any)
                script.insert(script.begin() + 1, asked_for_its_kind(kind.standby, kind.read_only));
            reciting_server fake(context, script);
            auto options = trying({at(fake.port())});
            options.target_session = wanted;
            const auto seen = connect_on(context, options);
            EXPECT_EQ(seen.connected, fits) << seen;
            EXPECT_EQ(seen.says("target_session_attrs"), !fits) << seen;
        }
    }
}

TEST(hosts, fall_back_to_a_primary_when_a_standby_is_only_preferred)
{
    asio::io_context context;
    reciting_server primary(context, fake_session(reports(false, false)));
    reciting_server standby(context, fake_session(reports(true, true)));
    auto options = trying({at(primary.port()), at(standby.port())});
    options.target_session = target_session_attributes::prefer_standby;
    EXPECT_TRUE(connect_on(context, options).connected);
    EXPECT_EQ(standby.clients(), 1);
    options.hosts = {at(primary.port()), at(closed_port())};
    EXPECT_TRUE(connect_on(context, options).connected);
    options.target_session = target_session_attributes::standby;
    const auto seen = connect_on(context, options);
    EXPECT_TRUE(seen.says("is no standby")) << seen;
}

TEST(hosts, skip_a_real_session_that_does_not_write)
{
    auto options = secure_server::instance().tcp("sec_read_only");
    options.target_session = target_session_attributes::read_write;
    const auto seen = connect_with(options);
    EXPECT_TRUE(seen.says("takes no writes")) << seen;
    options.target_session = target_session_attributes::read_only;
    EXPECT_TRUE(connect_with(options).connected);
    options.target_session = target_session_attributes::primary;
    EXPECT_TRUE(connect_with(options).connected);
}

TEST(hosts, share_the_load_at_random)
{
    asio::io_context context;
    reciting_server one(context, fake_session({}));
    reciting_server two(context, fake_session({}));
    auto options = trying({at(one.port()), at(two.port())});
    options.load_balancing = pg::load_balance::random;
    // Were one of them always first, this would end with a chance of 2^-64.
    for (int i = 0; i < 64 && (one.clients() == 0 || two.clients() == 0); ++i)
        ASSERT_TRUE(connect_on(context, options).connected);
    EXPECT_GT(one.clients(), 0);
    EXPECT_GT(two.clients(), 0);
}

/// Begins to connect, lets everything run until nothing is ready, cancels, and lets it end.
void expect_cancellable(asio::io_context& context, pg::connect_options options)
{
    asio::cancellation_signal cancel;
    std::exception_ptr failure;
    bool over = false;
    asio::co_spawn(
        context, pg::connection::connect(context.get_executor(), std::move(options)),
        asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr thrown, std::unique_ptr<pg::connection>) {
            failure = std::move(thrown);
            over = true;
            context.stop();
        }));
    context.run_for(std::chrono::milliseconds(20));
    ASSERT_FALSE(over);
    context.restart();
    asio::post(context, [&] { cancel.emit(asio::cancellation_type::terminal); });
    context.run_for(std::chrono::minutes(1));
    context.restart();
    ASSERT_TRUE(over);
    try {
        std::rethrow_exception(failure);
    }
    catch (const boost::system::system_error& error) {
        EXPECT_EQ(error.code(), asio::error::operation_aborted);
    }
}

TEST(hosts, can_be_given_up_at_every_wait)
{
    asio::io_context context;
    reciting_server silent(context, {});
    reciting_server next(context, fake_session({}));
    const auto hosts = {at(silent.port()), at(next.port())};
    expect_cancellable(context, trying(hosts)); // waits for the answer to the start-up message
    auto asking_for_tls = trying(hosts);
    asking_for_tls.tls.mode = pg::ssl_mode::prefer;
    expect_cancellable(context, asking_for_tls);
    auto direct = trying(hosts);
    direct.tls.mode = pg::ssl_mode::require;
    direct.tls.negotiation = pg::ssl_negotiation::direct;
    expect_cancellable(context, direct); // waits for the server's part of the handshake
    auto providing = trying(hosts);
    providing.password.clear();
    providing.provide_password = [](pg::host_address) -> asio::awaitable<std::string> {
        asio::steady_timer forever(co_await asio::this_coro::executor, std::chrono::hours(1));
        co_await forever.async_wait(asio::use_awaitable);
        co_return "";
    };
    expect_cancellable(context, providing);
    reciting_server half(context, {backend::authentication_ok() + backend::ready(), "", ""});
    auto asking_its_kind = trying({at(half.port()), at(next.port())});
    asking_its_kind.target_session = target_session_attributes::primary;
    expect_cancellable(context, asking_its_kind);
    EXPECT_EQ(next.clients(), 0);
}

TEST(hosts, are_told_no_more_than_they_take)
{
    auto options = secure_server::instance().tcp("sec_scram");
    options.settings["search_path"] = std::string(9'800, 'a');
    EXPECT_TRUE(connect_with(options).connected);
    options.settings["search_path"] += std::string(200, 'a');
    const auto seen = connect_with(options);
    EXPECT_EQ(seen.code, pg::client_errc::invalid_argument) << seen;
    EXPECT_TRUE(seen.says("the settings that begin a session")) << seen;
}

TEST(hostile_server, gets_no_password_and_no_session)
{
    asio::io_context context;
    struct hostile {
        std::vector<std::string> script;
        const char* why;
    };
    const auto offer = backend::authentication(10, std::string("SCRAM-SHA-256\0\0", 15));
    const std::vector<hostile> all{
        {{backend::authentication(3)}, "in clear text"},
        {{backend::authentication(7)}, "GSSAPI, which is not supported"},
        {{backend::authentication(9)}, "SSPI, which is not supported"},
        {{offer, backend::authentication_ok() + backend::ready()}, "before the server proved"},
        {{offer, backend::authentication(11, "r=not-yours,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")}, "nonce"},
        {{offer, backend::authentication(11, "r=" + std::string(100'000, 'x'))}, "longer than"},
        {{backend::ready()}, "before authentication"},
        {{std::string("R\x7f\xff\xff\xff", 5)}, "impossible length"},
        {{std::string("E\x00\x20\x00\x00", 5)}, "impossible length"},
    };
    for (const auto& [script, why] : all) {
        reciting_server server(context, script);
        const auto seen = connect_on(context, trying({at(server.port())}));
        EXPECT_FALSE(seen.connected) << seen;
        EXPECT_TRUE(seen.says(why)) << seen;
        EXPECT_FALSE(seen.says(scram_password)) << seen;
    }
}

} // namespace
