// SPDX-License-Identifier: Apache-2.0
#include "db/commit_proof.hpp"

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
    case commit_doubt::only_notified:
        return "it had written nothing, but may have sent notifications, which leaves no trace";
    }
    return {};
}

void commit_proof::begin(physical_connection& on) noexcept
{
    asks_ = !on.incarnation().empty();
    if (asks_)
        on.ask_for_transaction_id(true);
}

void commit_proof::end(physical_connection& on) const noexcept
{
    if (asks_)
        on.ask_for_transaction_id(false);
}

void commit_proof::will_run(std::string_view sql) noexcept
{
    if (!asks_)
        return;
    if (!has_id() && !may_notify_)
        may_notify_ = contains(sql, "notify");
    // Neither ROLLBACK, nor WORK and TRANSACTION behind it, has a "to" in it.
    rolls_back_to_ = !sql.empty() && lower(sql.front()) == 'r' && contains(sql, "to") && !contains(sql, "chain");
}

void commit_proof::has_run(std::string_view tag) noexcept
{
    // What follows may be another transaction, with another id.
    if (tag == "COMMIT" || tag == "BEGIN" || tag == "START TRANSACTION" || tag == "PREPARE TRANSACTION" ||
        (tag == "ROLLBACK" && !rolls_back_to_))
        ended_by_statement_ = true;
}

void commit_proof::look_at(const physical_connection& on) noexcept
{
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

commit_doubt commit_proof::doubt(bool declared_read_only) const noexcept
{
    if (ended_by_statement_)
        return commit_doubt::ended_by_statement;
    if (declared_read_only)
        return commit_doubt::none;
    if (!asks_)
        return commit_doubt::not_asked;
    if (!id_)
        return commit_doubt::id_not_known;
    if (has_id())
        return commit_doubt::has_id;
    return may_notify_ ? commit_doubt::only_notified : commit_doubt::none;
}

} // namespace tradecore::detail
