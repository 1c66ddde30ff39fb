// SPDX-License-Identifier: Apache-2.0
#include "pg/auth/md5_response.hpp"

#include "pg/auth/secret.hpp"

#include <openssl/evp.h>

#include <array>
#include <cstddef>

namespace tradecore::pg::auth {

namespace {

std::optional<std::string> hex_of_md5(const std::string& text)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_md5(), nullptr) != 1)
        return std::nullopt;
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (std::size_t i = 0; i < size; ++i) {
        hex += digits[digest[i] >> 4U];
        hex += digits[digest[i] & 0x0FU];
    }
    return hex;
}

} // namespace

std::optional<std::string> md5_response(std::string_view user, std::string_view password, std::string_view salt)
{
    std::string text(password);
    text += user;
    const auto inner = hex_of_md5(text);
    forget(text);
    const auto outer = inner ? hex_of_md5(*inner + std::string(salt)) : std::nullopt;
    return outer ? std::optional("md5" + *outer) : std::nullopt;
}

} // namespace tradecore::pg::auth
