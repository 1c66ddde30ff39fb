// SPDX-License-Identifier: Apache-2.0
#include "pg/fsm/scram_client.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <stdexcept>
#include <utility>

namespace tradecore::pg::fsm {

namespace {

using digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

constexpr std::size_t nonce_bytes = 18;
constexpr std::size_t longest_salt = 1024; // as base64
constexpr std::size_t longest_reason = 80;

const unsigned char* raw(std::string_view text)
{
    return reinterpret_cast<const unsigned char*>(text.data()); // NOLINT: OpenSSL wants unsigned
}

digest hmac(const digest& key, std::string_view text)
{
    digest out{};
    unsigned int length = 0;
    if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), raw(text), text.size(), out.data(), &length) ==
        nullptr)
        throw std::runtime_error("OpenSSL cannot compute HMAC-SHA-256");
    return out;
}

std::string base64(const unsigned char* data, std::size_t size)
{
    std::string out(4 * ((size + 2) / 3), '\0');
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), data, static_cast<int>(size)); // NOLINT
    return out;
}

std::optional<std::string> from_base64(std::string_view text)
{
    if (text.empty() || text.size() % 4 != 0 || text.size() > longest_salt)
        return std::nullopt;
    std::string out(text.size() / 4 * 3, '\0');
    const int size = EVP_DecodeBlock(
        reinterpret_cast<unsigned char*>(out.data()), raw(text), // NOLINT
        static_cast<int>(text.size()));
    if (size < 0)
        return std::nullopt;
    std::size_t padding = 0;
    while (padding < 2 && text[text.size() - 1 - padding] == '=')
        ++padding;
    out.resize(static_cast<std::size_t>(size) - padding);
    return out;
}

std::string base64(std::string_view text)
{
    return base64(raw(text), text.size());
}

std::optional<std::uint32_t> positive_number(std::string_view text)
{
    std::uint32_t value = 0;
    const auto* const end = text.data() + text.size();
    // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): `end` says where it ends
    const auto [stopped, problem] = std::from_chars(text.data(), end, value);
    if (problem != std::errc{} || stopped != end || value < 1)
        return std::nullopt;
    return value;
}

// What somebody unknown sent may stand in a log.
std::string printable(std::string_view text)
{
    std::string out(text);
    for (char& c : out)
        if (c < ' ' || c > '~')
            c = '?';
    return out;
}

// Takes "x=value" up to the next comma off the front of `rest`.
std::optional<std::string_view> attribute(std::string_view& rest, char name)
{
    if (rest.size() < 2 || rest[0] != name || rest[1] != '=')
        return std::nullopt;
    const auto comma = rest.find(',');
    const auto value = rest.substr(2, comma == std::string_view::npos ? comma : comma - 2);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    return value;
}

} // namespace

scram_client::scram_client(
    std::string user, std::string password, std::string nonce, scram_binding binding, std::uint32_t iterations_limit)
    : client_first_bare_("n=" + user + ",r=" + nonce), password_(std::move(password)), nonce_(std::move(nonce)),
      binding_(std::move(binding)), iterations_limit_(iterations_limit)
{}

std::string scram_client::fresh_nonce()
{
    std::array<unsigned char, nonce_bytes> bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
        throw std::runtime_error("OpenSSL has no randomness to offer");
    return base64(bytes.data(), bytes.size());
}

std::string scram_client::gs2_header() const
{
    switch (binding_.what) {
    case scram_binding::flag::used:
        return "p=tls-server-end-point,,";
    case scram_binding::flag::not_offered:
        return "y,,";
    case scram_binding::flag::not_supported:
        break;
    }
    return "n,,";
}

std::string scram_client::client_first() const
{
    return gs2_header() + client_first_bare_;
}

std::optional<scram_client::challenge> scram_client::read_challenge(std::string_view server_first)
{
    const auto refuse = [this](std::string why) {
        problem_ = std::move(why);
        return std::nullopt;
    };
    if (server_first.size() > longest_message)
        return refuse("the server's SCRAM message is longer than " + std::to_string(longest_message) + " bytes");
    auto rest = server_first;
    const auto nonce = attribute(rest, 'r');
    const auto salt_text = nonce ? attribute(rest, 's') : std::nullopt;
    const auto iterations_text = salt_text ? attribute(rest, 'i') : std::nullopt;
    if (!iterations_text)
        return refuse("the server's SCRAM message does not begin with a nonce, a salt and a number of iterations");
    if (nonce->size() <= nonce_.size() || !nonce->starts_with(nonce_))
        return refuse("the server's SCRAM nonce does not continue ours");
    auto salt = from_base64(*salt_text);
    if (!salt)
        return refuse("the server's SCRAM salt is empty, too long or not base64");
    const auto iterations = positive_number(*iterations_text);
    if (!iterations)
        return refuse("the server's number of SCRAM iterations is not a positive number");
    if (*iterations > iterations_limit_)
        return refuse(
            "the server asks for " + std::to_string(*iterations) + " SCRAM iterations; more than " +
            std::to_string(iterations_limit_) + " are refused");
    return challenge{*nonce, std::move(*salt), *iterations};
}

std::optional<std::string> scram_client::client_final(std::string_view server_first)
{
    const auto asked = read_challenge(server_first);
    if (!asked)
        return std::nullopt;

    digest salted{};
    const auto& password = password_.text();
    if (PKCS5_PBKDF2_HMAC(
            password.data(), static_cast<int>(password.size()), raw(asked->salt), static_cast<int>(asked->salt.size()),
            static_cast<int>(asked->iterations), EVP_sha256(), static_cast<int>(salted.size()), salted.data()) != 1)
        throw std::runtime_error("OpenSSL cannot derive a key with PBKDF2");
    password_.clear();

    digest client_key = hmac(salted, "Client Key");
    digest stored_key{};
    SHA256(client_key.data(), client_key.size(), stored_key.data());
    const std::string without_proof =
        "c=" + base64(gs2_header() + binding_.end_point) + ",r=" + std::string(asked->nonce);
    const std::string auth_message = client_first_bare_ + "," + std::string(server_first) + "," + without_proof;
    digest proof = hmac(stored_key, auth_message);
    for (std::size_t i = 0; i < proof.size(); ++i)
        proof[i] ^= client_key[i];

    const digest signature = hmac(hmac(salted, "Server Key"), auth_message);
    server_signature_ = base64(signature.data(), signature.size());
    OPENSSL_cleanse(salted.data(), salted.size());
    OPENSSL_cleanse(client_key.data(), client_key.size());
    return without_proof + ",p=" + base64(proof.data(), proof.size());
}

bool scram_client::verify(std::string_view server_final)
{
    auto rest = server_final.substr(0, longest_message);
    if (const auto said = attribute(rest, 'e')) {
        problem_ = "the server ended SCRAM with \"" + printable(said->substr(0, longest_reason)) + "\"";
        return false;
    }
    const auto signature = attribute(rest, 'v');
    const bool proven = signature && !server_signature_.empty() && signature->size() == server_signature_.size() &&
                        CRYPTO_memcmp(signature->data(), server_signature_.data(), signature->size()) == 0;
    if (!proven)
        problem_ = "the server does not know the password it checks";
    return proven;
}

} // namespace tradecore::pg::fsm
