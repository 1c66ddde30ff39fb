// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/fsm/operation.hpp"

#include <tradecore/pg/diagnostics.hpp>
#include <tradecore/pg/result.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tradecore::pg::fsm {

/// Several statements sent one behind the other: Bind, Execute of each, with a Sync behind each or one at the end.
class batch final : public operation {
public:
    struct entry {
        explicit entry(std::shared_ptr<const row_description> columns) : returns_rows(columns != nullptr)
        {
            if (columns)
                answer.describe(std::move(columns));
        }
        bool returns_rows;
        bool parses = false;    ///< a Parse stands before its Bind
        bool describes = false; ///< a Describe of its portal stands behind its Bind
        bool bound = false;     ///< the server had accepted it and its arguments
        bool complete = false;
        bool has_other_columns = false;                   ///< the description was not the one expected
        std::shared_ptr<const std::string> description{}; ///< the one expected
        result answer;
        std::optional<diagnostics> error{};
    };
    enum class syncs { one, each };

    /// @param commands_before how many unnamed commands (Parse, Bind, Execute) come before the first entry.
    batch(std::vector<entry> entries, syncs how, std::size_t commands_before);

    step on_message(const protocol::message& incoming) override;

    void drop() noexcept override { dropping_ = true; }

    [[nodiscard]] std::vector<entry>& entries() noexcept { return entries_; }
    /// The error that belongs to no entry: of a command before them, or of the end with a single Sync.
    [[nodiscard]] std::optional<diagnostics>& error() noexcept { return error_; }

private:
    /// For each entry: start -> ParseComplete? BindComplete -> describing? -> running -> DataRow* -> CommandComplete ->
    /// start
    enum class state { commands, start, describing, running, synced };

    step on_error(const protocol::message& incoming);
    step on_ready();
    step on_command(const protocol::message& incoming);
    step on_entry(const protocol::message& incoming);
    step on_description(entry& of, const protocol::message& incoming);
    step complete();

    std::vector<entry> entries_;
    syncs how_;
    std::size_t commands_before_;
    std::size_t current_ = 0;
    state state_;
    bool dropping_ = false;
    bool skipping_ = false; // the server passes over everything up to the next Sync
    std::optional<diagnostics> error_;
};

/// One statement executed many times: (Bind, Execute)*, Sync; how often is known only at the end. Rows that come back
/// are dropped.
class repeat : public operation {
public:
    step on_message(const protocol::message& incoming) override;

    /// Until Sync was sent: messages that undo what was executed.
    [[nodiscard]] std::string cancel() override;

    void sent() noexcept { ++sent_; }
    /// Appends Sync, unless it was written.
    void write_end(std::string& out);
    /// @returns whether Sync was written.
    [[nodiscard]] bool has_end() const noexcept { return ended_; }
    /// @returns whether `cancel` gave messages: the error may be the one they are to bring about.
    [[nodiscard]] bool was_undone() const noexcept { return undone_; }

    /// @param commands_before how many unnamed commands (Parse, Bind, Execute) come first.
    /// @param parses whether a Parse of the statement stands before its first Bind.
    explicit repeat(std::size_t commands_before, bool parses = false) noexcept
        : commands_before_(commands_before), parses_(parses)
    {}

    [[nodiscard]] std::uint64_t executions_sent() const noexcept { return sent_; }
    /// @returns how many executions have succeeded; with an error, the position of the one that failed.
    [[nodiscard]] std::uint64_t completed() const noexcept { return completed_; }
    [[nodiscard]] std::uint64_t rows_affected() const noexcept { return rows_affected_; }
    [[nodiscard]] std::optional<diagnostics>& error() noexcept { return error_; }
    /// @returns whether the server had accepted a row.
    [[nodiscard]] bool has_begun() const noexcept { return bound_ || completed_ > 0; }
    /// @returns whether the error is of a command before the first execution.
    [[nodiscard]] bool failed_before() const noexcept { return error_ && commands_before_ > 0; }

private:
    step on_command(const protocol::message& incoming);

    std::size_t commands_before_;
    bool parses_;
    std::uint64_t sent_ = 0;
    std::uint64_t completed_ = 0;
    std::uint64_t rows_affected_ = 0;
    bool bound_ = false;
    bool ended_ = false;
    bool undone_ = false;
    std::optional<diagnostics> error_;
};

} // namespace tradecore::pg::fsm
