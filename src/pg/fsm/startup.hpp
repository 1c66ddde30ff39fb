// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/fsm/operation.hpp"
#include "pg/fsm/scram_client.hpp"
#include "pg/protocol/backend_messages.hpp"

#include <tradecore/pg/connect_options.hpp>
#include <tradecore/pg/error.hpp>

#include <memory>
#include <optional>
#include <string>

namespace tradecore::pg::fsm {

/// From the start-up message to the first ReadyForQuery: authentication and the session's key.
///
///   start -> Authentication (ok: ready_wait | SASL: scram_first -> scram_final -> authenticated)
///         -> BackendKeyData -> ReadyForQuery
///
/// An ErrorResponse ends it at once: the server closes the connection after it.
class startup final : public operation {
public:
    /// @param nonce for SCRAM; injected so that tests can repeat an exchange.
    startup(const connect_options& options, std::string nonce);

    /// Appends the start-up message.
    void begin(std::string& out) const;
    step on_message(const protocol::message& incoming) override;

    /// The server's refusal; once set, the exchange is over although no ReadyForQuery came.
    [[nodiscard]] const std::optional<diagnostics>& refusal() const noexcept { return refusal_; }
    [[nodiscard]] protocol::backend_key key() const noexcept { return key_; }

private:
    enum class state { start, scram_first, scram_final, scram_verified, authenticated };

    step on_authentication(const protocol::authentication_request& request);
    step begin_scram(std::string_view mechanisms);

    connect_options options_;
    std::string nonce_;
    state state_ = state::start;
    std::unique_ptr<scram_client> scram_;
    std::optional<diagnostics> refusal_;
    protocol::backend_key key_{};
};

} // namespace tradecore::pg::fsm
