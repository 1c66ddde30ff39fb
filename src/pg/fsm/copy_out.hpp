// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/fsm/query.hpp"
#include "pg/protocol/backend_messages.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace tradecore::pg::fsm {

/// COPY to the client: Parse, Bind, Execute, Sync; then data comes, and is kept until it is taken.
///
/// There is progress when data has come, and a pause when so much waits that no more is to be read.
class copy_out final : public query {
public:
    /// @param limit how many bytes may wait before there is a pause.
    explicit copy_out(std::size_t limit = std::size_t{256} * 1024) noexcept : limit_(limit) {}

    /// @returns the data that has come since the last call.
    [[nodiscard]] std::string take_data() noexcept { return std::exchange(data_, {}); }
    /// @returns how many bytes wait to be taken.
    [[nodiscard]] std::size_t undelivered() const noexcept { return data_.size(); }
    /// @returns the most bytes that have waited at any time.
    [[nodiscard]] std::size_t most_undelivered() const noexcept { return most_; }
    /// Drops what waits and whatever still comes.
    void drop() noexcept override;
    /// @returns whether data was dropped, so that what was taken is not all there was.
    [[nodiscard]] bool has_lost_data() const noexcept { return has_lost_data_; }

    [[nodiscard]] bool was_copy() const noexcept { return format_.has_value(); }
    [[nodiscard]] const std::optional<protocol::copy_format>& format() const noexcept { return format_; }
    [[nodiscard]] const command_tag& tag() const noexcept { return tag_; }

private:
    /// parsing -> ParseComplete -> binding -> BindComplete -> starting -> CopyOutResponse -> copying -> CopyData*
    ///         -> CopyDone -> ended -> CommandComplete -> complete
    enum class state { parsing, binding, starting, copying, ended, complete };

    step on_answer(const protocol::message& incoming) override;
    step on_start(const protocol::message& incoming);
    step on_data(std::string_view payload);
    step on_complete(const protocol::message& incoming);
    bool answered() const noexcept override { return state_ == state::complete; }

    state state_ = state::parsing;
    std::optional<protocol::copy_format> format_;
    std::string data_;
    std::size_t limit_;
    std::size_t most_ = 0;
    bool dropping_ = false;
    bool has_lost_data_ = false;
    command_tag tag_;
};

} // namespace tradecore::pg::fsm
