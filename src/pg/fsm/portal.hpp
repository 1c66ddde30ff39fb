// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/fsm/query.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace tradecore::pg::fsm {

/// One slice of a portal's rows: Execute with a limit, Sync; the first one with commands, and Bind before it.
class portal_slice final : public query {
public:
    /// What comes before Execute.
    struct opening {
        std::size_t commands = 0; ///< unnamed commands: Parse, Bind, Execute each
        bool parses = false;      ///< Parse of the statement itself
        bool describes = false;   ///< Describe of the portal
        /// What that is expected to say.
        std::shared_ptr<const std::string> description{};
    };

    /// A slice of a portal that is open, whose rows are added to those of `before`.
    explicit portal_slice(result before) : state_(state::rows), returns_rows_(true), answer_(std::move(before)) {}
    /// A slice of a portal that is open.
    explicit portal_slice(std::shared_ptr<const row_description> columns)
        : portal_slice(state::rows, std::move(columns))
    {}
    /// The first slice, with what opens the portal.
    portal_slice(std::shared_ptr<const row_description> columns, opening first);

    void drop() noexcept override { dropping_ = true; }

    [[nodiscard]] result& answer() noexcept { return answer_; }
    /// @returns whether the portal was described in another way than expected; `columns` says how.
    [[nodiscard]] bool has_other_columns() const noexcept { return has_other_columns_; }
    /// Null when it returns no rows.
    [[nodiscard]] const std::shared_ptr<const row_description>& columns() const noexcept { return other_columns_; }
    /// @returns how many bytes of rows came.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    /// @returns whether the portal has more rows, or may have.
    [[nodiscard]] bool suspended() const noexcept { return suspended_; }

private:
    /// commands -> (ParseComplete BindComplete CommandComplete)* -> parsing -> ParseComplete -> binding -> BindComplete
    ///          -> describing? -> rows -> DataRow* -> PortalSuspended | CommandComplete -> complete
    enum class state { commands, parsing, binding, describing, rows, complete };

    portal_slice(state begin, std::shared_ptr<const row_description> columns);
    step on_answer(const protocol::message& incoming) override;
    step on_command(const protocol::message& incoming);
    step on_row(const protocol::message& incoming);
    step on_description(const protocol::message& incoming);
    bool answered() const noexcept override { return state_ == state::complete; }

    state state_;
    opening first_{};
    bool returns_rows_;
    bool suspended_ = false;
    bool dropping_ = false;
    bool has_other_columns_ = false;
    std::shared_ptr<const row_description> other_columns_;
    std::size_t bytes_ = 0;
    result answer_;
};

/// Close of a portal, Sync.
class close_portal final : public query {
private:
    step on_answer(const protocol::message&) override { return step::violation("unexpected message while closing"); }
    bool answered() const noexcept override { return true; }
};

} // namespace tradecore::pg::fsm
