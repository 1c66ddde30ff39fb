// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/fsm/query.hpp"

#include <cstddef>
#include <limits>

namespace tradecore::pg::fsm {

/// Parse, Bind, Execute, Sync of one of our own statements, whose columns are known beforehand: one round trip.
class lookup final : public query {
public:
    /// @param columns of the statement. @param most_rows more than that break the protocol.
    explicit lookup(
        std::shared_ptr<const row_description> columns, std::size_t most_rows = std::numeric_limits<std::size_t>::max())
        : most_rows_(most_rows)
    {
        answer_.describe(std::move(columns));
    }

    [[nodiscard]] const result& answer() const noexcept { return answer_; }

private:
    /// parsing -> ParseComplete -> binding -> BindComplete -> running -> (DataRow)* -> CommandComplete
    enum class state { parsing, binding, running, complete };

    step on_answer(const protocol::message& incoming) override;
    bool answered() const noexcept override { return state_ == state::complete; }

    std::size_t most_rows_;
    state state_ = state::parsing;
    result answer_;
};

} // namespace tradecore::pg::fsm
