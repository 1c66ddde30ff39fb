// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/auth/secret.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::pg::fsm {

/// Whether an exchange is tied to the TLS connection it runs in (RFC 5802, section 6).
struct scram_binding {
    enum class flag {
        not_supported, ///< "n": the client cannot
        not_offered,   ///< "y": the client can, and believes that the server cannot; a server that can, and
                       ///< whose offer somebody took out on the way, ends the exchange
        used,          ///< "p": with the mechanism's name ending in -PLUS
    };
    flag what = flag::not_supported;
    /// tls-server-end-point: the hash of the server's certificate.
    std::string end_point{};
};

/// The client's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677, RFC 5929).
///
/// The server proves that it knows the password too: `verify` must succeed before the server may be
/// believed. This copy of the password is overwritten once the proof is made.
class scram_client {
public:
    /// The most rounds of PBKDF2 a server may ask for unless another number is given; its default is 4,096.
    /// More would let a hostile server keep us busy.
    static constexpr std::uint32_t most_iterations = 1'000'000;
    /// The longest message of a server that is looked at, in bytes; real ones have about a hundred.
    static constexpr std::size_t longest_message = 4096;

    /// @param user as in the exchange; PostgreSQL ignores it and takes the start-up message's.
    /// @param password prepared with SASLprep.
    /// @param nonce printable characters without a comma, fresh for each exchange.
    scram_client(
        std::string user, std::string password, std::string nonce, scram_binding binding = {},
        std::uint32_t iterations_limit = most_iterations);

    /// @returns 18 random bytes as base64. @throws std::runtime_error when no randomness can be had.
    [[nodiscard]] static std::string fresh_nonce();

    [[nodiscard]] std::string client_first() const;
    /// @returns the client's final message; nothing when the server's is malformed, does not continue
    ///          our nonce or asks for an iteration count out of bounds: `problem` says which.
    [[nodiscard]] std::optional<std::string> client_final(std::string_view server_first);
    /// @returns whether the server's final message proves that it knows the password; when it does not,
    ///          `problem` says what is wrong with it.
    [[nodiscard]] bool verify(std::string_view server_final);
    [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

private:
    struct challenge {
        std::string_view nonce;
        std::string salt;
        std::uint32_t iterations;
    };

    [[nodiscard]] std::optional<challenge> read_challenge(std::string_view server_first);
    [[nodiscard]] std::string gs2_header() const;

    std::string client_first_bare_;
    auth::secret password_;
    std::string nonce_;
    scram_binding binding_;
    std::uint32_t iterations_limit_;
    std::string server_signature_; // base64
    std::string problem_;
};

} // namespace tradecore::pg::fsm
