// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/fsm/operation.hpp"

#include <tradecore/pg/error.hpp>
#include <tradecore/pg/result.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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
    /// Whether the server asked for the data of a COPY, and was told that there is none.
    [[nodiscard]] bool refused_copy() const noexcept { return refused_copy_; }

protected:
    /// Begins anew.
    void reset() noexcept
    {
        if (error_)
            error_.reset();
        refused_copy_ = dropped_copy_ = dropped_ = false;
        question() = {};
    }

    /// Takes a message that is neither an error nor the end.
    virtual step on_answer(const protocol::message& incoming) = 0;
    /// @returns whether everything that was asked for has been answered.
    [[nodiscard]] virtual bool answered() const noexcept = 0;

    /// @returns whether rows that come are to be passed over.
    [[nodiscard]] bool is_dropped() const noexcept { return dropped_; }

    /// Answers what begins a COPY: refuses to send data, lets data that comes pass by.
    step on_copy(const protocol::message& incoming, bool extended);

private:
    step on_question(const protocol::message& incoming);

    std::optional<diagnostics> error_;
    bool refused_copy_ = false;
    bool dropped_copy_ = false;
    bool dropped_ = false;
};

/// Parse, Describe, Sync: what a statement takes and returns.
class prepare : public query {
public:
    /// @returns whether the server has the statement.
    [[nodiscard]] bool was_parsed() const noexcept { return state_ > state::parsing; }
    [[nodiscard]] std::vector<oid>& parameter_types() noexcept { return parameter_types_; }
    /// The columns; nothing for a statement that returns no rows.
    [[nodiscard]] std::optional<row_description>& columns() noexcept { return columns_; }
    /// The RowDescription as it came.
    [[nodiscard]] std::string& description() noexcept { return description_; }

private:
    /// parsing -> ParseComplete -> parameters -> ParameterDescription -> rows -> RowDescription | NoData
    enum class state { parsing, parameters, rows, described };

    step on_answer(const protocol::message& incoming) override;
    bool answered() const noexcept override { return state_ == state::described; }

    state state_ = state::parsing;
    std::vector<oid> parameter_types_;
    std::optional<row_description> columns_;
    std::string description_;
};

/// Bind, Execute, Sync of a prepared statement, with any number of utility commands before it in the
/// same exchange: when one of them fails the statement is not run. With the unnamed statement it is parsed and its
/// portal described in the same exchange.
///
/// Made for being used again and again: `restart` begins anew without an allocation.
class execute final : public query {
public:
    struct plan {
        /// The statement's columns; null when it returns no rows.
        std::shared_ptr<const row_description> columns{};
        /// How many unnamed commands (Parse, Bind, Execute) come first.
        std::size_t commands_before = 0;
        /// Whether Parse and Describe of the portal were sent, too. What then comes is believed and not `columns`.
        bool unnamed = false;
        /// The RowDescription that belongs to `columns`: when it comes again, it need not be read again.
        std::shared_ptr<const std::string> description{};
    };

    explicit execute(plan&& what) { begin(std::move(what)); }
    execute(std::shared_ptr<const row_description> columns, std::size_t commands_before)
        : execute(plan{.columns = std::move(columns), .commands_before = commands_before})
    {}

    /// Begins with another statement; only after `rest`.
    void restart(plan&& what) { begin(std::move(what)); }
    /// Forgets everything.
    void rest() noexcept;

    bool on_usual_message(const protocol::message& incoming) override;

    [[nodiscard]] result& answer() noexcept { return answer_; }
    /// @returns whether the server had accepted the statement and its arguments when it ended.
    [[nodiscard]] bool was_bound() const noexcept { return state_ > state::binding; }
    /// @returns whether it returned other columns than were expected.
    [[nodiscard]] bool has_other_columns() const noexcept { return has_other_columns_; }

private:
    /// (before ->) (parsing -> ParseComplete ->) binding -> BindComplete (-> describing -> RowDescription | NoData)
    /// -> running -> (DataRow)* -> CommandComplete | EmptyQueryResponse
    enum class state { before, parsing, binding, describing, running, complete };

    void begin(plan&& what);
    step on_answer(const protocol::message& incoming) override;
    step on_command_before(const protocol::message& incoming);
    step on_description(const protocol::message& incoming);
    step on_row(std::string_view payload);
    bool take_tag(std::string_view payload);
    step on_running(const protocol::message& incoming);
    bool answered() const noexcept override { return state_ == state::complete; }
    [[nodiscard]] state first_state() const noexcept { return unnamed_ ? state::parsing : state::binding; }

    std::size_t commands_before_ = 0;
    std::shared_ptr<const std::string> description_;
    bool unnamed_ = false;
    state state_ = state::binding;
    bool returns_rows_ = false;
    bool has_other_columns_ = false;
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
