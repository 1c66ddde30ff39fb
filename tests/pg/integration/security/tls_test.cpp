// SPDX-License-Identifier: Apache-2.0
#include "../../support/backend.hpp"
#include "attempt.hpp"
#include "fake_servers.hpp"
#include "secure_server.hpp"
#include "support/postgres.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

using namespace tradecore;
using namespace tradecore::test;
namespace asio = boost::asio;
using enum pg::ssl_mode;

secure_server& server()
{
    return secure_server::instance();
}

/// To the server with TLS, which is believed when the mode checks.
pg::connect_options to_tls(pg::ssl_mode mode, const std::string& role = "sec_scram")
{
    auto options = server().tcp(role);
    options.tls.mode = mode;
    if (mode >= verify_ca)
        options.tls.root_certificate = server().file("root.crt", server().authority.pem());
    return options;
}

/// To a server without TLS.
pg::connect_options to_plain(pg::ssl_mode mode)
{
    auto options = pg::connect_options::parse(tcp_dsn());
    options.tls = {};
    options.tls.mode = mode;
    if (mode >= verify_ca)
        options.tls.root_certificate = server().file("root.crt", server().authority.pem());
    return options;
}

void expect_tls(const outcome& seen, bool encrypted)
{
    EXPECT_TRUE(seen.connected) << seen;
    EXPECT_EQ(!seen.tls.empty(), encrypted) << seen;
}

void expect_failure(const outcome& seen, std::string_view why, pg::client_errc code = pg::client_errc::tls_failed)
{
    EXPECT_FALSE(seen.connected) << seen;
    EXPECT_EQ(seen.code, code) << seen;
    EXPECT_TRUE(seen.says(why)) << seen;
}

TEST(tls_modes, mean_what_they_mean_to_libpq)
{
    for (const auto mode : {disable, allow, prefer, require, verify_ca, verify_full}) {
        SCOPED_TRACE("mode " + std::to_string(static_cast<int>(mode)));
        expect_tls(connect_with(to_tls(mode)), mode >= prefer);
        // What the server lets in only with, only without TLS.
        const auto only_tls = connect_with(to_tls(mode, "sec_tls_only"));
        const auto only_plain = connect_with(to_tls(mode, "sec_plain_only"));
        if (mode == disable)
            EXPECT_TRUE(only_tls.code == pg::disposition::credentials) << only_tls;
        else
            expect_tls(only_tls, true);
        if (mode >= require)
            EXPECT_TRUE(only_plain.code == pg::disposition::credentials) << only_plain;
        else
            expect_tls(only_plain, false);

        const auto plain = connect_with(to_plain(mode));
        if (mode >= require)
            expect_failure(plain, "the server has no TLS");
        else
            expect_tls(plain, false);
        auto local = server().local("sec_scram");
        local.tls.mode = mode;
        expect_tls(connect_with(local), false);
    }
    // Refused either way: the server's reason counts, not that the second way was tried.
    for (const auto mode : {allow, prefer}) {
        auto nobody = to_tls(mode);
        nobody.password = "wrong one";
        const auto seen = connect_with(nobody);
        EXPECT_TRUE(seen.code == pg::condition::invalid_password) << seen;
    }
}

TEST(tls_modes, ask_a_server_without_tls_only_once)
{
    asio::io_context context;
    reciting_server refusing(context, {"N", backend::error("28P01", "password authentication failed", "FATAL")});
    auto options = to_plain(prefer);
    options.hosts[0].port = refusing.port();
    const auto seen = connect_on(context, options);
    EXPECT_TRUE(seen.code == pg::condition::invalid_password) << seen;
    EXPECT_EQ(refusing.clients(), 1);
}

TEST(tls_certificates, are_checked_as_far_as_the_mode_says)
{
    const auto named = [](pg::ssl_mode mode, std::string host) {
        auto options = to_tls(mode);
        options.hosts[0].host = std::move(host);
        return connect_with(options);
    };
    expect_tls(named(verify_full, "db.example"), true);
    expect_tls(named(verify_full, "127.0.0.1"), true);
    expect_tls(named(verify_ca, "other.example"), true);
    expect_failure(
        named(verify_full, "other.example"), "is not for \"other.example\" but for localhost, db.example, 127.0.0.1");

    const auto believing = [](pg::ssl_mode mode, const certificate& root) {
        auto options = to_tls(mode);
        options.tls.root_certificate = server().file("believed.crt", root.pem());
        return connect_with(options);
    };
    for (const auto mode : {require, verify_ca, verify_full}) {
        expect_tls(believing(mode, server().authority), true);
        expect_failure(believing(mode, server().stranger), "certificate is not believed");
    }
    expect_tls(believing(prefer, server().stranger), false); // goes on without, as it may
    auto system = to_tls(verify_full);
    system.tls.root_certificate = "system";
    expect_failure(connect_with(system), "certificate is not believed");
    for (const auto mode : {prefer, require, verify_full}) {
        auto misnamed = to_tls(mode);
        misnamed.tls.root_certificate = "/nowhere/root.crt";
        expect_failure(connect_with(misnamed), "/nowhere/root.crt: No such file");
    }
    auto rootless = to_tls(verify_ca);
    rootless.tls.root_certificate.clear();
    expect_failure(connect_with(rootless), "need a root certificate");

    auto revoked = to_tls(verify_full);
    revoked.tls.crl = server().file("none.crl", make_revocation_list(server().authority, {}));
    expect_tls(connect_with(revoked), true);
    revoked.tls.crl = server().file("own.crl", make_revocation_list(server().authority, {&server().own}));
    expect_failure(connect_with(revoked), "certificate revoked");
}

TEST(tls_certificates, of_the_client_are_shown_and_asked_for)
{
    const auto showing = [](const certificate& shown, const std::string& role, const std::string& lock = {}) {
        auto options = to_tls(verify_full, role);
        options.tls.certificate = server().file("client.crt", shown.pem());
        options.tls.key = server().file("client.key", shown.key_pem(lock));
        options.tls.key_password = lock;
        return options;
    };
    const auto ours = make_certificate({.common_name = "sec_cert"}, &server().authority);
    expect_tls(connect_with(showing(ours, "sec_cert")), true);
    expect_tls(connect_with(showing(ours, "sec_cert", "open sesame")), true);
    auto wrong_lock = showing(ours, "sec_cert", "open sesame");
    wrong_lock.tls.key_password = "wrong one";
    expect_failure(connect_with(wrong_lock), "sslpassword does not fit");

    const auto missing = connect_with(to_tls(verify_full, "sec_cert"));
    EXPECT_TRUE(missing.code == pg::disposition::credentials) << missing;
    const auto other = make_certificate({.common_name = "sec_scram"}, &server().authority);
    const auto not_him = connect_with(showing(other, "sec_cert"));
    EXPECT_TRUE(not_him.code == pg::disposition::credentials) << not_him;
    const auto strangers = make_certificate({.common_name = "sec_cert"}, &server().stranger);
    expect_failure(connect_with(showing(strangers, "sec_cert")), "alert unknown ca");

    const auto both = make_certificate({.common_name = "sec_cert_scram"}, &server().authority);
    expect_tls(connect_with(showing(both, "sec_cert_scram")), true);
    auto no_password = showing(both, "sec_cert_scram");
    no_password.password.clear();
    expect_failure(connect_with(no_password), "none is given", pg::client_errc::authentication_failed);
    auto asked = showing(ours, "sec_cert");
    asked.tls.certificate_mode = pg::client_certificate::require;
    expect_tls(connect_with(asked), true);
    asked.tls.mode = allow; // not without TLS, and so with it
    expect_tls(connect_with(asked), true);
}

TEST(tls_certificates, of_the_client_are_missed_where_they_are_required)
{
    const auto ours = make_certificate({.common_name = "sec_cert"}, &server().authority);
    const auto requiring = [&ours](pg::connect_options options) {
        options.tls.certificate_mode = pg::client_certificate::require;
        options.tls.certificate = server().file("client.crt", ours.pem());
        options.tls.key = server().file("client.key", ours.key_pem());
        return options;
    };
    auto empty_handed = requiring(to_tls(verify_full));
    empty_handed.tls.certificate.clear();
    empty_handed.tls.key.clear();
    expect_failure(connect_with(empty_handed), "there is no client certificate");
    const std::string why = "sslcertmode=require, and the connection is not encrypted";
    for (const auto mode : {disable, allow, prefer}) {
        const auto seen = connect_with(requiring(to_plain(mode)));
        EXPECT_FALSE(seen.connected) << seen;
        EXPECT_EQ(seen.code, pg::client_errc::tls_failed) << seen;
        EXPECT_TRUE(seen.says(why)) << seen;
    }
    expect_failure(connect_with(requiring(server().local("sec_scram"))), why);
}

TEST(tls_certificates, that_have_expired_are_not_believed)
{
    const auto old = make_certificate(
        {.common_name = "localhost", .alternative_names = "DNS:localhost", .valid_from_days = -9, .valid_to_days = -2},
        &server().authority);
    server().restart_with(old);
    const auto seen = connect_with(to_tls(verify_full));
    const auto unchecked = connect_with(to_tls(require));
    server().restart_with(server().own);
    expect_failure(seen, "certificate has expired (certificate of CN=localhost, valid until 20");
    EXPECT_TRUE(seen.says("localhost:")) << seen;
    expect_tls(unchecked, true);
}

TEST(tls_versions, are_limited_as_told)
{
    using enum pg::tls_version;
    auto options = to_tls(verify_full);
    options.tls.minimum_version = tls_1_3;
    EXPECT_EQ(connect_with(options).tls, "TLSv1.3");
    options.tls.minimum_version = tls_1_2;
    options.tls.maximum_version = tls_1_2;
    options.channel_binding = pg::channel_binding_mode::require;
    EXPECT_EQ(connect_with(options).tls, "TLSv1.2");
    options.tls.minimum_version = tls_1_0;
    options.tls.maximum_version = tls_1_1; // the server takes 1.2 and up
    expect_failure(connect_with(options), "TLS with localhost:");
}

TEST(tls_negotiation, says_that_the_server_is_too_old_for_the_direct_way)
{
    auto options = to_tls(require);
    options.tls.negotiation = pg::ssl_negotiation::direct;
    expect_failure(connect_with(options), "servers before version 17 need sslnegotiation=postgres");
}

TEST(tls_negotiation, cannot_be_talked_out_of_it)
{
    asio::io_context context;
    const auto through = [&context](man_in_the_middle& middle, pg::connect_options options) {
        options.hosts[0].port = middle.port();
        return connect_on(context, std::move(options));
    };
    man_in_the_middle stripping(context, server().port(), "N");
    expect_failure(through(stripping, to_tls(require)), "the server has no TLS");
    expect_failure(through(stripping, to_tls(verify_full)), "the server has no TLS");
    expect_tls(through(stripping, to_tls(prefer)), false);
    auto bound = to_tls(prefer);
    bound.channel_binding = pg::channel_binding_mode::require;
    expect_failure(through(stripping, bound), "is not encrypted", pg::client_errc::authentication_failed);

    const auto fake_welcome = backend::authentication_ok() + backend::ready();
    for (const auto& answer : {"S" + fake_welcome, "N" + fake_welcome}) {
        man_in_the_middle injecting(context, server().port(), answer);
        expect_failure(through(injecting, to_tls(require)), "somebody may stand in between");
        expect_failure(through(injecting, to_tls(prefer)), "somebody may stand in between");
    }
    man_in_the_middle pretending(context, server().port(), backend::error("28000", "give me your password", "FATAL"));
    const auto refused = through(pretending, to_tls(prefer));
    expect_failure(refused, "answered the request for TLS with an error", pg::client_errc::cannot_connect);
    EXPECT_FALSE(refused.says("give me")) << refused;
    man_in_the_middle babbling(context, server().port(), "X");
    expect_failure(through(babbling, to_tls(require)), "neither yes nor no", pg::client_errc::protocol_violation);
    man_in_the_middle unwrapped(context, server().port(), "S");
    // The server takes the client's TLS for a start-up message and hangs up.
    const auto cut = through(unwrapped, to_tls(verify_full));
    EXPECT_FALSE(cut.connected) << cut;
}

TEST(tls_session, gives_a_typed_error_wherever_it_is_cut)
{
    asio::io_context context;
    auto options = to_tls(verify_full);
    man_in_the_middle whole(context, server().port(), {});
    options.hosts[0].port = whole.port();
    ASSERT_TRUE(connect_on(context, options).connected);
    ASSERT_GT(whole.passed(), 1000U);
    constexpr std::size_t step = 61;
    for (std::size_t cut = 0; cut + step < whole.passed(); cut += step) {
        man_in_the_middle middle(context, server().port(), {}, cut);
        options.hosts[0].port = middle.port();
        const auto seen = connect_on(context, options);
        EXPECT_FALSE(seen.connected) << "after byte " << cut;
        EXPECT_NE(seen.code, boost::system::error_code()) << "after byte " << cut;
    }
}

asio::awaitable<void> cancel_something(pg::connect_options options, std::string& code, std::string& after)
{
    const auto executor = co_await asio::this_coro::executor;
    const auto connection = co_await pg::connection::connect(executor, std::move(options));
    pg::statement slow;
    slow.sql.text = "SELECT pg_sleep(600)";
    slow.options.timeout = std::chrono::milliseconds(50);
    try {
        (void)co_await connection->run(std::move(slow));
    }
    catch (const pg::timeout_error& error) {
        code = error.code().message();
    }
    pg::statement next;
    next.sql.text = "SELECT 'still here'";
    const auto answer = co_await connection->run(std::move(next));
    after = answer[0][0].as<std::string>();
}

TEST(tls_session, can_be_cancelled_over_tls)
{
    asio::io_context context;
    man_in_the_middle watching(context, server().port(), {});
    auto options = to_tls(verify_full);
    options.hosts[0].port = watching.port();
    options.cancel_timeout = std::chrono::seconds(30);
    std::string code;
    std::string after;
    std::exception_ptr failure;
    asio::co_spawn(context, cancel_something(options, code, after), [&](const std::exception_ptr& thrown) {
        failure = thrown;
        context.stop();
    });
    context.run();
    if (failure)
        std::rethrow_exception(failure);
    EXPECT_EQ(code, "timeout");
    EXPECT_EQ(after, "still here");
    EXPECT_EQ(watching.clients(), 2); // the request went the same way
}

TEST(tls_session, carries_large_texts)
{
    asio::io_context context;
    std::size_t length = 0;
    asio::co_spawn(
        context,
        [](pg::connect_options options, std::size_t& got) -> asio::awaitable<void> {
            const auto executor = co_await asio::this_coro::executor;
            const auto connection = co_await pg::connection::connect(executor, std::move(options));
            pg::statement echo;
            echo.sql.text = "SELECT $1::text || 'x'";
            echo.arguments = pg::parameters::encode(std::string(20'000'000, 'a'));
            const auto answer = co_await connection->run(std::move(echo));
            got = answer[0][0].as<std::string_view>().size();
        }(to_tls(verify_full), length),
        [](const std::exception_ptr& thrown) {
            if (thrown)
                std::rethrow_exception(thrown);
        });
    context.run();
    EXPECT_EQ(length, 20'000'001U);
}

} // namespace
