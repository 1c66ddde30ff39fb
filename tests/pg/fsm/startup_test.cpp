// SPDX-License-Identifier: Apache-2.0
#include "../support/backend.hpp"
#include "../support/machine_script.hpp"
#include "pg/fsm/startup.hpp"
#include "pg/fsm/startup_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace tradecore;
using namespace tradecore::test;
using pg::authentication_method;
using pg::channel_binding_mode;
using pg::required_authentication;
using pg::fsm::action;
using pg::fsm::login;
using pg::fsm::startup;
using testing::Contains;
using testing::HasSubstr;
using testing::Key;
using testing::Not;
using testing::Pair;

constexpr auto nonce = "rOprNGfwEbeRWgbNEkqO";
constexpr auto challenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

pg::connect_options options()
{
    pg::connect_options made;
    made.user = "trader";
    made.database = "tradecore";
    made.statement_timeout = std::chrono::milliseconds(60'000);
    return made;
}

login with_password(std::string password)
{
    login made;
    made.password = pg::auth::secret(std::move(password));
    made.nonce = nonce;
    return made;
}

login over_tls(std::string end_point = "the hash of a certificate")
{
    auto made = with_password("pencil");
    made.encrypted = true;
    made.end_point = std::move(end_point);
    return made;
}

std::string scram_offer(const std::vector<std::string_view>& mechanisms = {"SCRAM-SHA-256"})
{
    std::string list;
    for (const auto name : mechanisms)
        list += backend::c_string(name);
    return backend::authentication(10, list + '\0');
}

const auto plus_offer = scram_offer({"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"});
const auto cleartext_request = backend::authentication(3);
const auto md5_request = backend::authentication(5, "salt");

/// Expects the machine to give up by itself, without having sent the password.
void expect_objection(const startup& machine, const pg::fsm::step& last, std::string_view why)
{
    EXPECT_EQ(last.next, action::done) << last.bytes;
    ASSERT_TRUE(machine.objected());
    EXPECT_EQ(machine.objected()->code, pg::client_errc::authentication_failed);
    EXPECT_THAT(machine.objected()->text, HasSubstr(why));
    EXPECT_THAT(machine.objected()->text, Not(HasSubstr("pencil")));
}

void expect_objection(const pg::connect_options& given, login as, const std::string& script, std::string_view why)
{
    startup machine(given, std::move(as));
    expect_objection(machine, feed(machine, script), why);
}

TEST(startup, names_user_database_and_limits_in_its_first_message)
{
    const startup machine(options(), {});
    std::string out;
    machine.begin(out);
    EXPECT_EQ(out.substr(4, 4), std::string("\0\3\0\0", 4));
    EXPECT_NE(out.find(std::string("user\0trader\0database\0tradecore\0", 31)), std::string::npos);
    EXPECT_NE(out.find(std::string("statement_timeout\00060000\0", 24)), std::string::npos);
    EXPECT_EQ(out.substr(out.size() - 2), std::string("\0\0", 2));
}

TEST(startup, says_to_poolers_only_what_they_know_and_what_the_user_set)
{
    auto given = options();
    given.statement_timeout = {};
    EXPECT_THAT(pg::fsm::startup_settings(given), Contains(Pair("extra_float_digits", "3")));
    given.prepared_statements = pg::prepared_statements::unnamed;
    EXPECT_THAT(
        pg::fsm::startup_settings(given),
        testing::UnorderedElementsAre(
            Pair("user", "trader"), Pair("database", "tradecore"), Pair("application_name", "tradecore"),
            Pair("client_encoding", "UTF8"), Pair("DateStyle", "ISO")));
    given.settings["search_path"] = "shop";
    given.settings["datestyle"] = "ISO, DMY";
    const auto said = pg::fsm::startup_settings(given);
    EXPECT_THAT(said, Contains(Pair("search_path", "shop")));
    EXPECT_THAT(said, Contains(Pair("DateStyle", "ISO, DMY")));
    EXPECT_THAT(said, Not(Contains(Key("datestyle"))));
}

TEST(startup, ends_at_ready_for_query_when_the_server_trusts_us)
{
    startup machine(options(), {});
    expect_done(feed(machine, backend::authentication_ok() + backend::key(4711, 42) + backend::ready()));
    ASSERT_TRUE(machine.key());
    EXPECT_EQ(machine.key()->pid, 4711);
    EXPECT_EQ(machine.key()->secret, 42);
    EXPECT_FALSE(machine.objected());
}

TEST(startup, needs_no_key_for_cancelling)
{
    startup machine(options(), {});
    expect_done(feed(machine, backend::authentication_ok() + backend::ready()));
    EXPECT_FALSE(machine.key());
}

TEST(startup, proves_and_checks_the_password_with_scram)
{
    startup machine(options(), with_password("pencil"));
    auto reply = feed(machine, scram_offer());
    ASSERT_EQ(reply.next, action::send);
    EXPECT_NE(reply.bytes.find("n,,n=,r=rOprNGfwEbeRWgbNEkqO"), std::string::npos);
    reply = feed(machine, backend::authentication(11, challenge));
    ASSERT_EQ(reply.next, action::send);
    EXPECT_EQ(reply.bytes.find("pencil"), std::string::npos);
    expect_objection(
        machine, feed(machine, backend::authentication(12, "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")),
        "does not know the password");
}

TEST(startup, binds_scram_to_the_tls_connection_where_both_can)
{
    startup machine(options(), over_tls());
    const auto reply = feed(machine, plus_offer);
    ASSERT_EQ(reply.next, action::send);
    EXPECT_NE(reply.bytes.find(backend::c_string("SCRAM-SHA-256-PLUS")), std::string::npos);
    EXPECT_NE(reply.bytes.find("p=tls-server-end-point,,n="), std::string::npos);
}

TEST(startup, says_that_it_could_bind_so_that_a_downgrade_is_found_out)
{
    startup machine(options(), over_tls());
    const auto reply = feed(machine, scram_offer());
    ASSERT_EQ(reply.next, action::send);
    EXPECT_NE(reply.bytes.find("y,,n="), std::string::npos);
}

TEST(startup, does_not_bind_when_it_may_not_or_cannot)
{
    auto given = options();
    given.channel_binding = channel_binding_mode::disable;
    startup disabled(given, over_tls());
    EXPECT_THAT(feed(disabled, plus_offer).bytes, HasSubstr("n,,n="));
    startup no_hash(options(), over_tls(""));
    EXPECT_THAT(feed(no_hash, plus_offer).bytes, HasSubstr("n,,n="));
}

TEST(startup, takes_an_offer_to_bind_without_tls_for_an_attack)
{
    expect_objection(
        options(), with_password("pencil"), plus_offer, "SCRAM-SHA-256-PLUS over a connection that is not");
}

TEST(startup, keeps_to_required_channel_binding)
{
    auto given = options();
    given.channel_binding = channel_binding_mode::require;
    expect_objection(given, over_tls(), backend::authentication_ok(), "let us in without channel binding");
    expect_objection(given, over_tls(), cleartext_request, "needs SCRAM over TLS");
    expect_objection(given, over_tls(), md5_request, "needs SCRAM over TLS");
    expect_objection(given, over_tls(), scram_offer(), "does not offer SCRAM-SHA-256-PLUS");
    expect_objection(given, over_tls(""), plus_offer, "the server's certificate allows none");
    expect_objection(given, with_password("pencil"), scram_offer(), "the connection is not encrypted");
    startup bound(given, over_tls());
    EXPECT_THAT(feed(bound, plus_offer).bytes, HasSubstr("p=tls-server-end-point,,"));
}

TEST(startup, refuses_what_a_hostile_server_asks_of_scram)
{
    auto given = options();
    given.max_scram_iterations = 4095;
    startup machine(given, with_password("pencil"));
    ASSERT_EQ(feed(machine, scram_offer()).next, action::send);
    expect_objection(machine, feed(machine, backend::authentication(11, challenge)), "asks for 4096 SCRAM iterations");
    startup other_nonce(options(), with_password("pencil"));
    ASSERT_EQ(feed(other_nonce, scram_offer()).next, action::send);
    expect_objection(
        other_nonce, feed(other_nonce, backend::authentication(11, "r=x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")), "nonce");
}

TEST(startup, does_not_let_the_server_skip_its_proof)
{
    startup after_offer(options(), with_password("pencil"));
    ASSERT_EQ(feed(after_offer, scram_offer()).next, action::send);
    expect_violation(feed(after_offer, backend::authentication_ok()), "before the server proved");
    startup after_reply(options(), with_password("pencil"));
    ASSERT_EQ(feed(after_reply, scram_offer()).next, action::send);
    ASSERT_EQ(feed(after_reply, backend::authentication(11, challenge)).next, action::send);
    expect_violation(feed(after_reply, backend::authentication_ok()), "before the server proved");
    startup no_authentication(options(), {});
    expect_violation(feed(no_authentication, backend::ready()), "before authentication");
    startup key_first(options(), {});
    expect_violation(feed(key_first, backend::key(1, 2)), "BackendKeyData");
}

TEST(startup, takes_no_step_of_scram_twice_or_out_of_order)
{
    startup early(options(), with_password("pencil"));
    expect_violation(feed(early, backend::authentication(11, challenge)), "unexpected SASL");
    startup final_first(options(), with_password("pencil"));
    expect_violation(feed(final_first, backend::authentication(12, "v=")), "unexpected end");
    for (const auto& again : {scram_offer(), cleartext_request, md5_request}) {
        startup twice(options(), over_tls());
        ASSERT_EQ(feed(twice, scram_offer()).next, action::send);
        expect_violation(feed(twice, again), "twice");
    }
    startup accepted(options(), with_password("pencil"));
    expect_violation(feed(accepted, backend::authentication_ok() + cleartext_request), "twice");
}

TEST(startup, answers_with_an_md5_password)
{
    startup machine(options(), with_password("pencil"));
    const auto reply = feed(machine, md5_request);
    ASSERT_EQ(reply.next, action::send);
    // md5(hex(md5("penciltrader")) + "salt"), as `md5sum` has it
    EXPECT_EQ(reply.bytes, backend::message('p', backend::c_string("md543c0536af3c8d410193e0ef76c5205d3")));
    expect_done(feed(machine, backend::authentication_ok() + backend::ready()));
    startup short_salt(options(), with_password("pencil"));
    expect_violation(feed(short_salt, backend::authentication(5, "sal")), "four bytes");
}

TEST(startup, hands_the_password_out_only_where_nobody_can_listen)
{
    expect_objection(options(), with_password("pencil"), cleartext_request, "not encrypted");
    const auto sent = [](pg::connect_options given, login as) {
        startup machine(given, std::move(as));
        return feed(machine, cleartext_request).bytes;
    };
    const auto password = backend::message('p', backend::c_string("pencil"));
    EXPECT_EQ(sent(options(), over_tls()), password);
    auto local = with_password("pencil");
    local.local = true;
    EXPECT_EQ(sent(options(), std::move(local)), password);
    auto allowing = options();
    allowing.allow_cleartext_password = true;
    EXPECT_EQ(sent(allowing, with_password("pencil")), password);
}

TEST(startup, names_the_methods_that_it_does_not_have)
{
    expect_objection(options(), {}, backend::authentication(7), "GSSAPI, which is not supported");
    expect_objection(options(), {}, backend::authentication(9), "SSPI, which is not supported");
    expect_objection(options(), {}, backend::authentication(2), "Kerberos V5, which is not supported");
    expect_objection(options(), {}, backend::authentication(77), "an unknown method, which is not supported");
    expect_objection(
        options(), with_password("pencil"), scram_offer({"SOMETHING-ELSE"}), "no SASL mechanism that is supported");
}

TEST(startup, lets_the_server_use_required_methods_only)
{
    using enum authentication_method;
    const auto requiring = [](required_authentication methods) {
        auto given = options();
        given.require_authentication = methods;
        return given;
    };
    const auto scram_only = requiring({scram_sha_256});
    expect_objection(scram_only, over_tls(), backend::authentication_ok(), "did not ask who we are");
    expect_objection(scram_only, over_tls(), cleartext_request, "require_auth=scram-sha-256 does not allow");
    expect_objection(scram_only, over_tls(), md5_request, "require_auth=scram-sha-256 does not allow");
    startup good(scram_only, over_tls());
    EXPECT_EQ(feed(good, scram_offer()).next, action::send);

    const auto no_password = requiring(required_authentication::all_but({password, md5}));
    expect_objection(no_password, over_tls(), cleartext_request, "require_auth=!password,!md5 does not allow");
    startup trusting(no_password, over_tls());
    expect_done(feed(trusting, backend::authentication_ok() + backend::ready()));

    startup none_is_fine(requiring({none}), {});
    expect_done(feed(none_is_fine, backend::authentication_ok() + backend::ready()));
    expect_objection(requiring({none}), over_tls(), scram_offer(), "require_auth=none does not allow");
    expect_objection(
        requiring(required_authentication::all_but({none})), over_tls(), backend::authentication_ok(),
        "did not ask who we are");
}

TEST(startup, says_when_a_password_is_missing)
{
    for (const auto& ask : {scram_offer(), md5_request, cleartext_request}) {
        login nobody;
        nobody.local = true;
        nobody.password_note = "/home/ann/.pgpass is open to others";
        expect_objection(
            options(), nobody, ask, "asks for a password and none is given (/home/ann/.pgpass is open to others)");
        auto odd = with_password(std::string("a\0b", 3));
        odd.local = true;
        expect_objection(options(), odd, ask, "NUL");
    }
}

TEST(startup, ends_with_the_servers_refusal_at_every_step)
{
    const auto refusal = backend::error("28P01", "password authentication failed", "FATAL");
    const std::vector<std::string> whole{"", scram_offer(), backend::authentication(11, challenge)};
    for (std::size_t steps = 0; steps <= whole.size(); ++steps) {
        startup machine(options(), with_password("pencil"));
        for (std::size_t i = 0; i < steps; ++i)
            feed(machine, whole[i]);
        expect_done(feed(machine, refusal));
        ASSERT_TRUE(machine.refusal());
        EXPECT_EQ(machine.refusal()->code.text(), "28P01");
        EXPECT_FALSE(machine.authenticated());
    }
    startup late(options(), {});
    expect_done(feed(late, backend::authentication_ok() + backend::error("3D000", "no such database", "FATAL")));
    EXPECT_TRUE(late.refusal());
    EXPECT_TRUE(late.authenticated());
}

TEST(startup, refuses_malformed_messages)
{
    for (const auto& bad :
         {backend::message('R', "abc"), backend::message('E', "Sx"), backend::message('D', ""),
          backend::authentication_ok() + backend::message('K', "1234"), backend::authentication(10, "SCRAM-SHA-256")}) {
        startup machine(options(), {});
        EXPECT_EQ(feed(machine, bad).next, action::violation);
    }
}

} // namespace
