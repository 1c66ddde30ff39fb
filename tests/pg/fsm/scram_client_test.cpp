// SPDX-License-Identifier: Apache-2.0
#include "pg/fsm/scram_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace {

using namespace tradecore;
using tradecore::pg::fsm::scram_client;

// The example exchange of RFC 7677, section 3.
constexpr auto nonce = "rOprNGfwEbeRWgbNEkqO";
constexpr auto server_first = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

TEST(scram_client, reproduces_the_exchange_of_rfc_7677)
{
    scram_client client("user", "pencil", nonce);
    EXPECT_EQ(client.client_first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    EXPECT_EQ(
        client.client_final(server_first),
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    EXPECT_TRUE(client.verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
}

TEST(scram_client, puts_the_binding_into_what_it_proves)
{
    using pg::fsm::scram_binding;
    scram_client bound(
        "user", "pencil", nonce, {.what = scram_binding::flag::used, .end_point = std::string("\1\2\3", 3)});
    EXPECT_EQ(bound.client_first(), "p=tls-server-end-point,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    // base64 of "p=tls-server-end-point,," and the three bytes
    EXPECT_THAT(
        bound.client_final(server_first).value_or(""),
        testing::StartsWith("c=cD10bHMtc2VydmVyLWVuZC1wb2ludCwsAQID,r=rOprNGfwEbeRWgbNEkqO%"));
    scram_client able("user", "pencil", nonce, {.what = scram_binding::flag::not_offered});
    EXPECT_EQ(able.client_first(), "y,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    const auto reply = able.client_final(server_first).value_or("");
    EXPECT_THAT(reply, testing::StartsWith("c=eSws,r="));
    // Another binding, another proof: nobody can exchange the flag on the way.
    scram_client unable("user", "pencil", nonce);
    const auto other = unable.client_final(server_first).value_or("");
    EXPECT_NE(reply.substr(reply.find(",p=")), other.substr(other.find(",p=")));
}

TEST(scram_client, keeps_to_the_limit_of_iterations_it_is_given)
{
    scram_client strict("user", "pencil", nonce, {}, 4095);
    EXPECT_FALSE(strict.client_final(server_first));
    EXPECT_THAT(strict.problem(), testing::HasSubstr("4096 SCRAM iterations; more than 4095 are refused"));
    scram_client enough("user", "pencil", nonce, {}, 4096);
    EXPECT_TRUE(enough.client_final(server_first));
}

TEST(scram_client, looks_at_no_message_that_is_far_too_long)
{
    scram_client client("user", "pencil", nonce);
    const std::string flood = "r=" + std::string(nonce) + std::string(scram_client::longest_message, 'x') +
                              ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    EXPECT_FALSE(client.client_final(flood));
    EXPECT_THAT(client.problem(), testing::HasSubstr("longer than"));
}

TEST(scram_client, tells_the_servers_reason_in_one_line)
{
    scram_client client("user", "pencil", nonce);
    ASSERT_TRUE(client.client_final(server_first));
    EXPECT_FALSE(client.verify("e=other-error\nAll is well"));
    EXPECT_EQ(client.problem(), "the server ended SCRAM with \"other-error?All is well\"");
}

TEST(scram_client, believes_no_other_signature)
{
    scram_client client("user", "pencil", nonce);
    ASSERT_TRUE(client.client_final(server_first));
    EXPECT_FALSE(client.verify("v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
    EXPECT_FALSE(client.verify("v="));
    EXPECT_FALSE(client.verify("e=other-error"));
    EXPECT_FALSE(client.verify(""));
}

TEST(scram_client, verifies_nothing_before_its_proof)
{
    scram_client client("user", "pencil", nonce);
    EXPECT_FALSE(client.verify("v="));
    EXPECT_FALSE(client.verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
}

struct challenge {
    const char* name;
    const char* text;

    friend void PrintTo(const challenge& each, std::ostream* out) { *out << each.name; }
};

class hostile_challenge : public testing::TestWithParam<challenge> {};

TEST_P(hostile_challenge, is_refused)
{
    scram_client client("user", "pencil", nonce);
    EXPECT_FALSE(client.client_final(GetParam().text));
    EXPECT_NE(client.problem(), "");
}

INSTANTIATE_TEST_SUITE_P(
    scram_client, hostile_challenge,
    testing::Values(
        challenge{"nothing", ""},
        challenge{"without_a_nonce_of_its_own", "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"},
        challenge{"with_another_nonce", "r=XOprNGfwEbeRWgbNEkqOmore,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"},
        challenge{"out_of_order", "s=W22ZaJ0SNY7soEsUEjb6gQ==,r=rOprNGfwEbeRWgbNEkqOmore,i=4096"},
        challenge{"without_salt", "r=rOprNGfwEbeRWgbNEkqOmore,s=,i=4096"},
        challenge{"with_salt_that_is_not_base64", "r=rOprNGfwEbeRWgbNEkqOmore,s=W22*,i=4096"},
        challenge{"without_iterations", "r=rOprNGfwEbeRWgbNEkqOmore,s=W22ZaJ0SNY7soEsUEjb6gQ=="},
        challenge{"with_no_iteration", "r=rOprNGfwEbeRWgbNEkqOmore,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0"},
        challenge{"with_less_than_no_iteration", "r=rOprNGfwEbeRWgbNEkqOmore,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=-1"},
        challenge{"with_a_count_that_is_none", "r=rOprNGfwEbeRWgbNEkqOmore,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096x"},
        challenge{"with_too_many_iterations", "r=rOprNGfwEbeRWgbNEkqOmore,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1000001"},
        challenge{
            "with_a_count_that_overflows", "r=rOprNGfwEbeRWgbNEkqOmore,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=99999999999"}),
    [](const auto& tried) { return std::string(tried.param.name); });

TEST(scram_client, makes_another_nonce_each_time)
{
    const auto first = scram_client::fresh_nonce();
    EXPECT_EQ(first.size(), 24U);
    EXPECT_EQ(first.find(','), std::string::npos);
    EXPECT_NE(first, scram_client::fresh_nonce());
}

} // namespace
