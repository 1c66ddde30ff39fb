// SPDX-License-Identifier: Apache-2.0
#include "../support/backend.hpp"
#include "../support/machine_script.hpp"
#include "pg/fsm/startup.hpp"

#include <gtest/gtest.h>

namespace {

using namespace tradecore;
using namespace tradecore::test;
using pg::fsm::action;
using pg::fsm::startup;

constexpr auto nonce = "rOprNGfwEbeRWgbNEkqO";

pg::connect_options options(std::string password = {})
{
    pg::connect_options made;
    made.user = "trader";
    made.database = "tradecore";
    made.password = std::move(password);
    made.statement_timeout = std::chrono::milliseconds(60'000);
    return made;
}

std::string scram_offer(std::string_view mechanism = "SCRAM-SHA-256")
{
    return backend::authentication(10, backend::c_string(mechanism) + '\0');
}

TEST(startup, names_user_database_and_limits_in_its_first_message)
{
    const startup machine(options(), nonce);
    std::string out;
    machine.begin(out);
    EXPECT_EQ(out.substr(4, 4), std::string("\0\3\0\0", 4));
    EXPECT_NE(out.find(std::string("user\0trader\0database\0tradecore\0", 31)), std::string::npos);
    EXPECT_NE(out.find(std::string("statement_timeout\00060000\0", 24)), std::string::npos);
    EXPECT_EQ(out.substr(out.size() - 2), std::string("\0\0", 2));
}

TEST(startup, ends_at_ready_for_query_when_the_server_trusts_us)
{
    startup machine(options(), nonce);
    expect_done(feed(machine, backend::authentication_ok() + backend::key(4711, 42) + backend::ready()));
    EXPECT_EQ(machine.key().pid, 4711);
    EXPECT_EQ(machine.key().secret, 42);
}

TEST(startup, proves_and_checks_the_password_with_scram)
{
    startup machine(options("pencil"), nonce);
    auto reply = feed(machine, scram_offer());
    ASSERT_EQ(reply.next, action::send);
    EXPECT_NE(reply.bytes.find("n,,n=,r=rOprNGfwEbeRWgbNEkqO"), std::string::npos);
    reply = feed(
        machine, backend::authentication(
                     11, "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"));
    ASSERT_EQ(reply.next, action::send);
    EXPECT_EQ(reply.bytes.find("pencil"), std::string::npos);
    expect_violation(
        feed(machine, backend::authentication(12, "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")),
        "does not know the password");
}

TEST(startup, does_not_let_the_server_skip_its_proof)
{
    startup after_offer(options("pencil"), nonce);
    ASSERT_EQ(feed(after_offer, scram_offer()).next, action::send);
    expect_violation(feed(after_offer, backend::authentication_ok()), "before the server proved");
    startup no_authentication(options(), nonce);
    expect_violation(feed(no_authentication, backend::ready()), "before authentication");
    startup key_first(options(), nonce);
    expect_violation(feed(key_first, backend::key(1, 2)), "BackendKeyData");
}

TEST(startup, refuses_methods_that_would_hand_out_the_password)
{
    startup cleartext(options("pencil"), nonce);
    expect_violation(feed(cleartext, backend::authentication(3)), "a cleartext password");
    startup md5(options("pencil"), nonce);
    expect_violation(feed(md5, backend::authentication(5, "salt")), "an MD5 password");
    startup no_scram(options("pencil"), nonce);
    expect_violation(feed(no_scram, scram_offer("SOMETHING-ELSE")), "no SASL mechanism");
}

TEST(startup, says_when_a_password_is_missing)
{
    startup machine(options(), nonce);
    expect_violation(feed(machine, scram_offer()), "asks for a password and none is given");
}

TEST(startup, ends_with_the_servers_refusal_at_every_step)
{
    const auto refusal = backend::error("28P01", "password authentication failed", "FATAL");
    startup at_once(options("pencil"), nonce);
    expect_done(feed(at_once, refusal));
    ASSERT_TRUE(at_once.refusal());
    EXPECT_EQ(at_once.refusal()->code.text(), "28P01");

    startup in_scram(options("pencil"), nonce);
    ASSERT_EQ(feed(in_scram, scram_offer()).next, action::send);
    expect_done(feed(in_scram, refusal));
    EXPECT_TRUE(in_scram.refusal());

    startup late(options(), nonce);
    expect_done(feed(late, backend::authentication_ok() + backend::error("3D000", "no such database", "FATAL")));
    EXPECT_TRUE(late.refusal());
}

TEST(startup, refuses_malformed_messages)
{
    for (const auto& bad :
         {backend::message('R', "abc"), backend::message('E', "Sx"), backend::message('D', ""),
          backend::authentication_ok() + backend::message('K', "1234")}) {
        startup machine(options(), nonce);
        EXPECT_EQ(feed(machine, bad).next, action::violation);
    }
}

} // namespace
