// SPDX-License-Identifier: Apache-2.0
#include "db/commit_proof.hpp"

#include <tradecore/pg/only_reads.hpp>

#include <algorithm>
#include <charconv>

namespace tradecore::detail {

namespace {

char lower(char c) noexcept
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// @param word in lower case.
bool contains(std::string_view text, std::string_view word) noexcept
{
    return std::ranges::search(text, word, {}, lower).begin() != text.end();
}

/// @param word in lower case.
bool starts_with(std::string_view text, std::string_view word) noexcept
{
    return text.size() >= word.size() && std::ranges::equal(text.substr(0, word.size()), word, {}, lower);
}

/// @returns what follows blanks, comments and empty statements.
std::string_view skip_blanks(std::string_view sql) noexcept
{
    const auto skip_to = [&sql](std::string_view end) {
        const auto at = sql.find(end);
        sql.remove_prefix(at == std::string_view::npos ? sql.size() : at + end.size());
    };
    for (;;) {
        sql.remove_prefix(std::min(sql.find_first_not_of("; \t\r\n\f"), sql.size()));
        if (sql.starts_with("--"))
            skip_to("\n");
        else if (sql.starts_with("/*"))
            skip_to("*/");
        else
            return sql;
    }
}

bool may_commit(std::string_view sql) noexcept
{
    sql = skip_blanks(sql);
    return starts_with(sql, "commit") || starts_with(sql, "end") || starts_with(sql, "prepare transaction");
}

/// Whether a transaction that was declared read-only may write from then on.
bool may_lift_read_only(std::string_view sql) noexcept
{
    return contains(sql, "transaction_read_only") || (starts_with(skip_blanks(sql), "set") && contains(sql, "write"));
}

} // namespace

std::string_view reason_of(commit_doubt what) noexcept
{
    switch (what) {
    case commit_doubt::none:
    case commit_doubt::has_id:
        break;
    case commit_doubt::not_asked:
        return "the ids of transactions are not asked for";
    case commit_doubt::id_not_known:
        return "the transaction's id was not known when COMMIT was sent";
    case commit_doubt::ended_by_statement:
        return "a statement in its body had ended the transaction";
    case commit_doubt::may_leave_no_trace:
        return "it had written nothing here, but may have sent notifications or written elsewhere, which leaves no "
               "trace";
    }
    return {};
}

void commit_proof::begin(physical_connection& on, bool declared_read_only) noexcept
{
    reads_only_ = declared_read_only;
    asks_ = !declared_read_only && !on.incarnation().empty();
    if (asks_)
        on.ask_for_transaction_id(true);
}

void commit_proof::end(physical_connection& on) const noexcept
{
    if (asks_)
        on.ask_for_transaction_id(false);
}

void commit_proof::will_run(std::string_view sql, bool only_reads) noexcept
{
    is_ending_ = may_commit(sql);
    are_several_ = false;
    look_for_hidden_effects(sql, only_reads);
    // Neither ROLLBACK, nor WORK and TRANSACTION behind it, has a "to" in it.
    rolls_back_to_ = !sql.empty() && lower(sql.front()) == 'r' && contains(sql, "to") && !contains(sql, "chain");
}

void commit_proof::look_for_hidden_effects(std::string_view sql, bool only_reads) noexcept
{
    if (only_reads || has_hidden_effects_ || has_id())
        return;
    // Foreign tables are written without an id, functions may do anything, and cursors WITH HOLD are run by COMMIT:
    // only what shows that it reads is certain to leave nothing. Where the server sees to that NOTIFY is left.
    if (asks_)
        has_hidden_effects_ = !pg::only_reads(sql);
    else if (reads_only_)
        has_hidden_effects_ = contains(sql, "notify") || may_lift_read_only(sql);
}

void commit_proof::will_also_run(std::string_view sql, bool only_reads) noexcept
{
    are_several_ = true;
    rolls_back_to_ = false;
    is_ending_ = is_ending_ || may_commit(sql);
    look_for_hidden_effects(sql, only_reads);
}

void commit_proof::will_run_script(std::string_view sql) noexcept
{
    will_run(sql);
    are_several_ = true;
    for (auto at = sql.find(';'); at != std::string_view::npos && !is_ending_; at = sql.find(';', at + 1))
        is_ending_ = may_commit(sql.substr(at + 1));
}

void commit_proof::has_run(std::string_view tag) noexcept
{
    // What follows may be another transaction, with another id.
    if (tag == "COMMIT" || tag == "BEGIN" || tag == "START TRANSACTION" || tag == "PREPARE TRANSACTION" ||
        (tag == "ROLLBACK" && !rolls_back_to_))
        ended_by_statement_ = true;
}

void commit_proof::look_at(const physical_connection& on, bool begun, bool failed) noexcept
{
    if (on.is_open()) {
        // The session's state tells, unless another transaction was begun behind it.
        const bool is_hidden = are_several_ && failed && is_ending_;
        ended_by_statement_ =
            ended_by_statement_ || is_hidden || (begun && on.status() == pg::transaction_status::idle);
        is_ending_ = false;
    }
    if (asks_ && !has_id())
        id_ = on.transaction_id();
}

void commit_proof::take_script_answer(physical_connection& on, std::vector<pg::result>& answers)
{
    id_.reset();
    if (!answers.empty() && answers.back().size() == 1) {
        std::uint64_t value = 0;
        const auto said = answers.back().at(0, 0);
        if (said.is_null())
            id_ = 0;
        else if (const auto text = said.as<std::string>();
                 std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc())
            id_ = value;
    }
    if (!answers.empty())
        answers.pop_back();
    // What the connection knew is out of date, and it goes on asking when there is still none.
    on.ask_for_transaction_id(!has_id());
}

commit_doubt commit_proof::doubt() const noexcept
{
    if (ended_by_statement_)
        return commit_doubt::ended_by_statement;
    if (!asks_ && !reads_only_)
        return commit_doubt::not_asked;
    if (!id_ && !reads_only_)
        return commit_doubt::id_not_known;
    if (has_id())
        return commit_doubt::has_id;
    return has_hidden_effects_ ? commit_doubt::may_leave_no_trace : commit_doubt::none;
}

} // namespace tradecore::detail
