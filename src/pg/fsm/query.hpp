// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/fsm/operation.hpp"

#include <tradecore/pg/error.hpp>
#include <tradecore/pg/result.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace tradecore::pg::fsm {

/// What all exchanges that run SQL share: the server's first error, and the end at ReadyForQuery.
class query : public operation {
public:
    step on_message(const protocol::message& incoming) final;
    void drop() noexcept override { dropped_ = true; }

    /// The error the server answered with, if any; the exchange still ended in order.
    [[nodiscard]] std::optional<diagnostics>& error() noexcept { return error_; }
    /// Whether the server sent the data of a COPY, which these exchanges cannot hand on.
    [[nodiscard]] bool dropped_copy() const noexcept { return dropped_copy_; }

protected:
    /// Takes a message that is neither an error nor the end.
    virtual step on_answer(const protocol::message& incoming) = 0;
    /// @returns whether everything that was asked for has been answered.
    [[nodiscard]] virtual bool answered() const noexcept = 0;

    /// @returns whether rows that come are to be passed over.
    [[nodiscard]] bool is_dropped() const noexcept { return dropped_; }

    /// Answers what begins a COPY: refuses to send data, lets data that comes pass by.
    step on_copy(const protocol::message& incoming, bool extended);

private:
    std::optional<diagnostics> error_;
    bool dropped_copy_ = false;
    bool dropped_ = false;
};

/// Parse, Describe, Sync: what a statement takes and returns.
class prepare final : public query {
public:
    [[nodiscard]] std::vector<oid>& parameter_types() noexcept { return parameter_types_; }
    /// The columns; nothing for a statement that returns no rows.
    [[nodiscard]] std::optional<row_description>& columns() noexcept { return columns_; }

private:
    /// parsing -> ParseComplete -> parameters -> ParameterDescription -> rows -> RowDescription | NoData
    enum class state { parsing, parameters, rows, described };

    step on_answer(const protocol::message& incoming) override;
    bool answered() const noexcept override { return state_ == state::described; }

    state state_ = state::parsing;
    std::vector<oid> parameter_types_;
    std::optional<row_description> columns_;
};

/// Bind, Execute, Sync of a prepared statement, with any number of utility commands before it in the
/// same exchange: when one of them fails the statement is not run.
class execute final : public query {
public:
    /// @param columns of the statement; null when it returns no rows.
    /// @param commands_before how many unnamed commands (Parse, Bind, Execute) come first.
    execute(std::shared_ptr<const row_description> columns, std::size_t commands_before);

    [[nodiscard]] result& answer() noexcept { return answer_; }

private:
    /// binding -> BindComplete -> running -> (DataRow)* -> CommandComplete | EmptyQueryResponse
    enum class state { before, binding, running, complete };

    step on_answer(const protocol::message& incoming) override;
    step on_command_before(const protocol::message& incoming);
    bool answered() const noexcept override { return state_ == state::complete; }

    state state_;
    bool returns_rows_;
    std::size_t commands_before_;
    result answer_;
};

/// A simple query with one or more statements.
class script final : public query {
public:
    [[nodiscard]] std::vector<result>& answers() noexcept { return answers_; }

private:
    step on_answer(const protocol::message& incoming) override;
    bool answered() const noexcept override { return true; }

    std::optional<result> current_;
    std::vector<result> answers_;
};

} // namespace tradecore::pg::fsm
