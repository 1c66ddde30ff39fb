// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/auth/secret.hpp"
#include "pg/fsm/operation.hpp"
#include "pg/fsm/scram_client.hpp"
#include "pg/protocol/backend_messages.hpp"

#include <tradecore/pg/connect_options.hpp>
#include <tradecore/pg/error.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace tradecore::pg::fsm {

/// What a start-up knows beyond the user's options.
struct login {
    auth::secret password{};
    /// Why a place where a password should have been was passed over; empty when none was.
    std::string password_note{};
    /// For SCRAM; given so that tests can repeat an exchange.
    std::string nonce{};
    /// The connection is encrypted by TLS.
    bool encrypted = false;
    /// The connection does not leave the machine: a Unix socket.
    bool local = false;
    /// The binding of the TLS connection (`auth::end_point_binding`); empty where there is none.
    std::string end_point{};
};

/// From the start-up message to the first ReadyForQuery: authentication and the session's key.
///
///   start -> AuthenticationOk                                   (trust, peer, certificate)
///         -> password asked for -> password_sent -> AuthenticationOk
///         -> SASL -> scram_first -> scram_final -> scram_verified -> AuthenticationOk
///   authenticated -> [BackendKeyData] -> ReadyForQuery
///
/// An ErrorResponse ends it at once: the server closes the connection after it. So does a wish of the
/// server that the options do not allow: no password has been sent then.
class startup final : public operation {
public:
    /// Why we go no further although the server keeps to the protocol.
    struct objection {
        client_errc code;
        std::string text;
    };

    startup(const connect_options& options, login as);

    /// Appends the start-up message.
    void begin(std::string& out) const { out += first_message_; }
    step on_message(const protocol::message& incoming) override;

    /// The server's refusal; once set, the exchange is over although no ReadyForQuery came.
    [[nodiscard]] const std::optional<diagnostics>& refusal() const noexcept { return refusal_; }
    /// Ours; likewise.
    [[nodiscard]] const std::optional<objection>& objected() const noexcept { return objection_; }
    /// @returns whether the server has said that it knows who we are.
    [[nodiscard]] bool authenticated() const noexcept { return state_ == state::authenticated; }
    /// @returns what a cancel request needs; poolers may not give it.
    [[nodiscard]] const std::optional<protocol::backend_key>& key() const noexcept { return key_; }

private:
    enum class state { start, password_sent, scram_first, scram_final, scram_verified, authenticated };

    step on_authentication(const protocol::authentication_request& request);
    step on_accepted();
    step send_cleartext();
    step send_md5(std::string_view salt);
    step begin_scram(std::string_view mechanisms);
    step continue_scram(std::string_view challenge);
    step end_scram(std::string_view proof);
    [[nodiscard]] bool password_missing();
    step object(client_errc code, std::string text);
    step refuse_method(std::string text) { return object(client_errc::authentication_failed, std::move(text)); }

    std::string first_message_;
    std::string user_;
    required_authentication required_;
    channel_binding_mode binding_;
    std::uint32_t iterations_limit_;
    bool cleartext_allowed_;
    login login_;

    state state_ = state::start;
    std::unique_ptr<scram_client> scram_;
    bool bound_ = false; // SCRAM is tied to the TLS connection
    std::optional<diagnostics> refusal_;
    std::optional<objection> objection_;
    std::optional<protocol::backend_key> key_;
};

} // namespace tradecore::pg::fsm
