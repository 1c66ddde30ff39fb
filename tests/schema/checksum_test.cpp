// SPDX-License-Identifier: Apache-2.0
#include "schema/checksum.hpp"

#include <gtest/gtest.h>

namespace tradecore::schema {
namespace {

// FIPS 180-4, example values of SHA-256.
TEST(Checksum, IsSha256InHexadecimal)
{
    EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

} // namespace
} // namespace tradecore::schema
