// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::pg::fsm {

/// The client's side of SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677).
///
/// The server proves that it knows the password too: `verify` must succeed before the server may be
/// believed. This copy of the password is overwritten once the proof is made.
class scram_client {
public:
    /// The most rounds of PBKDF2 a server may ask for; its default is 4,096. More would let a hostile
    /// server keep us busy.
    static constexpr std::uint32_t most_iterations = 1'000'000;

    /// @param user as in the exchange; PostgreSQL ignores it and takes the start-up message's.
    /// @param nonce printable characters without a comma, fresh for each exchange.
    scram_client(std::string user, std::string password, std::string nonce);
    scram_client(const scram_client&) = delete;
    scram_client& operator=(const scram_client&) = delete;
    scram_client(scram_client&&) = delete;
    scram_client& operator=(scram_client&&) = delete;
    ~scram_client();

    /// @returns 18 random bytes as base64. @throws std::runtime_error when no randomness can be had.
    [[nodiscard]] static std::string fresh_nonce();

    [[nodiscard]] std::string client_first() const;
    /// @returns the client's final message; nothing when the server's is malformed, does not continue
    ///          our nonce or asks for an iteration count out of bounds.
    [[nodiscard]] std::optional<std::string> client_final(std::string_view server_first);
    /// @returns whether the server's final message proves that it knows the password.
    [[nodiscard]] bool verify(std::string_view server_final) const;

private:
    void forget_password() noexcept;

    std::string client_first_bare_;
    std::string password_;
    std::string nonce_;
    std::string server_signature_; // base64
};

} // namespace tradecore::pg::fsm
