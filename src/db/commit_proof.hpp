// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/physical_connection.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tradecore::detail {

/// What can be proved of a transaction whose COMMIT was sent and not answered.
enum class commit_doubt {
    /// It had nothing to commit: whether it was committed makes no difference.
    none,
    /// Its id tells.
    has_id,
    /// The server's ids are not asked for here, or what they mean is not known.
    not_asked,
    /// The id did not come before COMMIT was sent.
    id_not_known,
    /// A statement of the caller has ended the transaction and may have begun another.
    ended_by_statement,
    /// It has no id, but COMMIT may have done what shows nowhere: notified, or committed on another server.
    may_leave_no_trace
};

/// @returns why nothing can be proved, for messages; empty for the first two.
[[nodiscard]] std::string_view reason_of(commit_doubt what) noexcept;

/// Keeps the id of a transaction, as its statements tell it.
///
/// The id must be known before COMMIT is sent: one that comes together with COMMIT's answer is lost together with it.
/// So it is asked for behind each statement, in its round trip, until there is one. A transaction that has none has
/// written nothing.
class commit_proof {
public:
    /// Begins to ask, when that is of any use: on this connection, of a transaction that may write.
    void begin(physical_connection& on, bool declared_read_only) noexcept;
    /// Ends it.
    void end(physical_connection& on) const noexcept;

    /// @param sql a statement that is about to be run.
    /// @param only_reads as its caller has declared it.
    void will_run(std::string_view sql, bool only_reads = false) noexcept;
    /// The same of another behind it, before anything is answered.
    void will_also_run(std::string_view sql, bool only_reads = false) noexcept;
    /// @param sql several statements.
    void will_run_script(std::string_view sql) noexcept;
    /// @param tag of a statement that has been run.
    void has_run(std::string_view tag) noexcept;
    /// Takes what a connection knows behind a statement.
    /// @param begun whether the transaction had been begun.
    /// @param failed whether the statement, or one of several, has failed.
    void look_at(const physical_connection& on, bool begun, bool failed) noexcept;

    /// @returns whether the question must be added to a script.
    [[nodiscard]] bool asks_scripts() const noexcept { return asks_; }
    /// The question at a script's end, the last of its statements.
    static constexpr std::string_view script_question = "SELECT pg_catalog.pg_current_xact_id_if_assigned()";
    /// Takes the question's answer off a script's.
    void take_script_answer(physical_connection& on, std::vector<pg::result>& answers);

    [[nodiscard]] commit_doubt doubt() const noexcept;
    /// @returns whether a statement of the caller has ended the transaction, or may have: what was done before it may
    ///          be there to stay.
    [[nodiscard]] bool may_have_been_ended() const noexcept { return ended_by_statement_ || is_ending_; }
    /// @returns the id when there is one.
    [[nodiscard]] std::optional<std::uint64_t> id() const noexcept { return has_id() ? id_ : std::nullopt; }

private:
    [[nodiscard]] bool has_id() const noexcept { return id_.value_or(0) != 0; }
    void look_for_hidden_effects(std::string_view sql, bool only_reads) noexcept;

    bool asks_ = false;
    bool reads_only_ = false; // as it was declared
    bool rolls_back_to_ = false;
    bool is_ending_ = false; // by what runs, or was running when the connection was lost
    bool are_several_ = false;
    bool ended_by_statement_ = false;
    bool has_hidden_effects_ = false; // or may have
    std::optional<std::uint64_t> id_; // 0: none was assigned
};

} // namespace tradecore::detail
