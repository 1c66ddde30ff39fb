// SPDX-License-Identifier: Apache-2.0
#include "pg/fsm/scram_client.hpp"

#include <gtest/gtest.h>

namespace {

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
    const scram_client client("user", "pencil", nonce);
    EXPECT_FALSE(client.verify("v="));
    EXPECT_FALSE(client.verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
}

class hostile_challenge : public testing::TestWithParam<const char*> {};

TEST_P(hostile_challenge, is_refused)
{
    scram_client client("user", "pencil", nonce);
    EXPECT_FALSE(client.client_final(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(
    scram_client, hostile_challenge,
    testing::Values(
        "",                                                                      // nothing
        "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",              // adds no nonce
        "r=XOprNGfwEbeRWgbNEkqOmore,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",          // another nonce
        "s=W22ZaJ0SNY7soEsUEjb6gQ==,r=rOprNGfwEbeRWgbNEkqOmore,i=4096",          // out of order
        "r=rOprNGfwEbeRWgbNEkqOmore,s=,i=4096",                                  // no salt
        "r=rOprNGfwEbeRWgbNEkqOmore,s=W22*,i=4096",                              // not base64
        "r=rOprNGfwEbeRWgbNEkqOmore,s=W22ZaJ0SNY7soEsUEjb6gQ==",                 // no iterations
        "r=rOprNGfwEbeRWgbNEkqOmore,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0",             //
        "r=rOprNGfwEbeRWgbNEkqOmore,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=-1",            //
        "r=rOprNGfwEbeRWgbNEkqOmore,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096x",         //
        "r=rOprNGfwEbeRWgbNEkqOmore,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1000001",       // too slow
        "r=rOprNGfwEbeRWgbNEkqOmore,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=99999999999")); // overflow

TEST(scram_client, makes_another_nonce_each_time)
{
    const auto first = scram_client::fresh_nonce();
    EXPECT_EQ(first.size(), 24U);
    EXPECT_EQ(first.find(','), std::string::npos);
    EXPECT_NE(first, scram_client::fresh_nonce());
}

} // namespace
