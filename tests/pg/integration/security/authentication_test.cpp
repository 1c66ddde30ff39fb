// SPDX-License-Identifier: Apache-2.0
#include "attempt.hpp"
#include "secure_server.hpp"
#include "support/postgres.hpp"

#include <boost/asio/steady_timer.hpp>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

using namespace tradecore;
using namespace tradecore::test;
namespace asio = boost::asio;
using pg::channel_binding_mode;
using pg::ssl_mode;

secure_server& server()
{
    return secure_server::instance();
}

pg::connect_options with_tls(pg::connect_options options, ssl_mode mode = ssl_mode::require)
{
    options.tls.mode = mode;
    return options;
}

pg::connect_options without_tls(pg::connect_options options)
{
    return with_tls(std::move(options), ssl_mode::disable);
}

void expect_connected(const outcome& seen, std::string_view user)
{
    EXPECT_TRUE(seen.connected) << seen;
    EXPECT_EQ(seen.user, user) << seen;
}

void expect_refused(const outcome& seen, pg::client_errc code, std::string_view why)
{
    EXPECT_FALSE(seen.connected) << seen;
    EXPECT_EQ(seen.code, code) << seen;
    EXPECT_TRUE(seen.says(why)) << seen;
    EXPECT_FALSE(seen.says(secure_password)) << seen;
}

TEST(authentication, knows_right_and_wrong_passwords_by_every_method_and_way)
{
    for (const std::string role : {"sec_scram", "sec_md5", "sec_password"}) {
        for (const bool right : {true, false}) {
            const std::string password = right ? secure_password : "wrong one";
            const std::vector<pg::connect_options> ways{
                with_tls(server().tcp(role, password)), without_tls(server().tcp(role, password)),
                server().local(role, password)};
            for (std::size_t way = 0; way < ways.size(); ++way) {
                SCOPED_TRACE(role + (right ? ", right" : ", wrong") + ", way " + std::to_string(way));
                const auto seen = connect_with(ways[way]);
                if (role == "sec_password" && way == 1) {
                    expect_refused(seen, pg::client_errc::authentication_failed, "not encrypted");
                }
                else if (right) {
                    expect_connected(seen, role);
                }
                else {
                    EXPECT_TRUE(seen.code == pg::condition::invalid_password) << seen;
                    EXPECT_TRUE(seen.code == pg::disposition::credentials) << seen;
                    EXPECT_FALSE(seen.says("wrong one")) << seen;
                }
            }
        }
        expect_refused(
            connect_with(with_tls(server().tcp(role, ""))), pg::client_errc::authentication_failed, "none is given");
    }
    auto open = without_tls(server().tcp("sec_password"));
    open.allow_cleartext_password = true;
    expect_connected(connect_with(open), "sec_password");
    expect_connected(connect_with(server().tcp("sec_trust", "")), "sec_trust");
    expect_connected(connect_with(server().local("sec_trust", "")), "sec_trust");
    expect_connected(connect_with(pg::connect_options::parse(dsn())), "tradecore"); // peer
}

TEST(authentication, prepares_passwords_as_the_server_does)
{
    expect_connected(connect_with(with_tls(server().tcp("sec_letters", secure_letters))), "sec_letters");
}

TEST(authentication, binds_to_the_channel_as_it_should)
{
    const auto binding = [](pg::connect_options options, channel_binding_mode mode) {
        options.channel_binding = mode;
        return connect_with(std::move(options));
    };
    for (const auto mode : {channel_binding_mode::disable, channel_binding_mode::prefer, channel_binding_mode::require})
        expect_connected(binding(with_tls(server().tcp("sec_scram")), mode), "sec_scram");
    const auto require = channel_binding_mode::require;
    using enum pg::client_errc;
    expect_refused(binding(without_tls(server().tcp("sec_scram")), require), authentication_failed, "is not encrypted");
    expect_refused(binding(server().local("sec_scram"), require), authentication_failed, "is not encrypted");
    expect_refused(
        binding(with_tls(server().tcp("sec_trust")), require), authentication_failed, "without channel binding");
    expect_refused(binding(with_tls(server().tcp("sec_md5")), require), authentication_failed, "needs SCRAM over TLS");
    auto too_many = with_tls(server().tcp("sec_scram"));
    too_many.max_scram_iterations = 4095;
    expect_refused(connect_with(too_many), authentication_failed, "4096 SCRAM iterations");
}

TEST(authentication, lets_the_server_use_required_methods_only)
{
    const auto requiring = [](const char* methods, const char* role) {
        auto options = with_tls(server().tcp(role));
        options.require_authentication = pg::required_authentication::parse(methods);
        return connect_with(options);
    };
    using enum pg::client_errc;
    expect_connected(requiring("scram-sha-256", "sec_scram"), "sec_scram");
    expect_connected(requiring("md5,scram-sha-256", "sec_md5"), "sec_md5");
    expect_connected(requiring("none", "sec_trust"), "sec_trust");
    expect_connected(requiring("!md5", "sec_trust"), "sec_trust");
    expect_refused(requiring("scram-sha-256", "sec_md5"), authentication_failed, "an MD5 password");
    expect_refused(requiring("scram-sha-256", "sec_trust"), authentication_failed, "did not ask");
    expect_refused(requiring("!password", "sec_password"), authentication_failed, "in clear text");
    expect_refused(requiring("!none", "sec_trust"), authentication_failed, "did not ask");
}

TEST(authentication, asks_for_passwords_where_it_is_told)
{
    const auto providing = [](pg::password_provider provider) {
        auto options = with_tls(server().tcp("sec_scram", ""));
        options.provide_password = std::move(provider);
        return options;
    };
    std::string asked_for;
    expect_connected(
        connect_with(providing([&asked_for](pg::host_address host) -> asio::awaitable<std::string> {
            asked_for = host.host;
            asio::steady_timer soon(co_await asio::this_coro::executor, std::chrono::milliseconds(1));
            co_await soon.async_wait(asio::use_awaitable);
            co_return secure_password;
        })),
        "sec_scram");
    EXPECT_EQ(asked_for, "localhost");
    const auto refusing = providing([](pg::host_address) -> asio::awaitable<std::string> {
        throw std::domain_error("the vault is closed");
        co_return "";
    });
    EXPECT_THROW(connect_with(refusing), std::domain_error);
    auto never = providing([](pg::host_address) -> asio::awaitable<std::string> {
        // Not even a cancellation ends it.
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        asio::steady_timer forever(co_await asio::this_coro::executor, std::chrono::hours(1));
        co_await forever.async_wait(asio::use_awaitable);
        co_return "";
    });
    never.connect_timeout = std::chrono::milliseconds(50);
    expect_refused(connect_with(never), pg::client_errc::timeout, "asking for the password");

    auto from_file = with_tls(server().tcp("sec_scram", ""));
    const auto line = "localhost:" + std::to_string(server().port()) + ":*:sec_scram:" + secure_password + "\n";
    from_file.passfile = server().file("pgpass", "# passwords\n" + line);
    expect_connected(connect_with(from_file), "sec_scram");
    from_file.passfile = server().file("open_pgpass", line, std::filesystem::perms{0644});
    const auto ignored = connect_with(from_file);
    expect_refused(ignored, pg::client_errc::authentication_failed, "open_pgpass");
}

TEST(authentication, checks_whose_process_is_behind_the_socket)
{
    auto options = server().local("sec_trust");
    options.require_peer = secure_server::process_user();
    expect_connected(connect_with(options), "sec_trust");
    options.require_peer = "somebody else";
    const auto seen = connect_with(options);
    expect_refused(seen, pg::client_errc::authentication_failed, "requirepeer is \"somebody else\"");
    EXPECT_TRUE(seen.says("\"" + secure_server::process_user() + "\"")) << seen;
}

} // namespace
