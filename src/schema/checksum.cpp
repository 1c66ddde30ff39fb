// SPDX-License-Identifier: Apache-2.0
#include "schema/checksum.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/evp.h>

#include <array>
#include <span>
#include <stdexcept>

namespace tradecore::schema {

std::string sha256(std::string_view bytes)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1) {
        throw std::runtime_error("OpenSSL offers no SHA-256");
    }
    return fmt::format("{:02x}", fmt::join(std::span(digest).first(length), ""));
}

} // namespace tradecore::schema
