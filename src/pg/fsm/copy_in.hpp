// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/fsm/operation.hpp"
#include "pg/protocol/backend_messages.hpp"

#include <tradecore/pg/diagnostics.hpp>
#include <tradecore/pg/result.hpp>

#include <optional>

namespace tradecore::pg::fsm {

/// COPY from the client: Parse, Bind, Execute, Flush; then data; then CopyDone or CopyFail, and Sync.
///
/// Sync must not be sent before the data has ended: a server that takes data ignores it. So it is the machine that asks
/// for it when the server ends the exchange by itself, with an error or because the statement was no COPY, and the
/// owner who sends it with CopyDone or CopyFail and says so with `end_sent`. There is progress when the server is ready
/// to take data.
class copy_in : public operation {
public:
    step on_message(const protocol::message& incoming) override;
    /// While data is taken: CopyFail and Sync. Before, both follow by themselves when the server is ready for data.
    [[nodiscard]] std::string cancel() override;
    void drop() noexcept override { gives_up_ = true; }

    /// Says that CopyDone or CopyFail was written, and Sync behind it.
    void end_sent() noexcept { sync_sent_ = true; }

    /// @returns whether the server takes data.
    [[nodiscard]] bool takes_data() const noexcept { return state_ == state::copying && !error_; }
    /// @returns whether the server has said all it will say before the data has ended.
    [[nodiscard]] bool refuses_data() const noexcept { return error_ || state_ == state::complete; }
    /// @returns whether the statement was a COPY from the client.
    [[nodiscard]] bool was_copy() const noexcept { return format_.has_value(); }
    [[nodiscard]] const std::optional<protocol::copy_format>& format() const noexcept { return format_; }
    [[nodiscard]] std::optional<diagnostics>& error() noexcept { return error_; }
    [[nodiscard]] const command_tag& tag() const noexcept { return tag_; }

private:
    /// parsing -> ParseComplete -> binding -> BindComplete -> starting -> CopyInResponse -> copying
    ///         -> CommandComplete -> complete -> ReadyForQuery
    enum class state { parsing, binding, starting, copying, complete };

    step on_error(const protocol::message& incoming);
    step on_start(const protocol::message& incoming);
    step on_complete(const protocol::message& incoming);
    step sync();

    state state_ = state::parsing;
    bool gives_up_ = false;
    bool sync_sent_ = false;
    std::optional<protocol::copy_format> format_;
    std::optional<diagnostics> error_;
    command_tag tag_;
};

} // namespace tradecore::pg::fsm
