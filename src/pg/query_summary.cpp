// SPDX-License-Identifier: Apache-2.0
#include "pg/sql_tokens.hpp"

#include <tradecore/pg/query_summary.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <vector>

namespace tradecore::pg {

namespace {

using detail::is_word;
using detail::take_token;
using words = std::span<const std::string_view>;

bool is_one_of(std::string_view token, words any) noexcept
{
    return std::ranges::any_of(any, [token](std::string_view each) { return is_word(token, each); });
}

bool is_name(std::string_view token) noexcept
{
    const char first = token.empty() ? '\0' : token.front();
    return first == '"' || first == '_' || (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') ||
           static_cast<unsigned char>(first) >= 0x80;
}

constexpr std::array<std::string_view, 5> queries{"select", "insert", "update", "delete", "merge"};
constexpr std::array<std::string_view, 3> begin_query{"select", "with", "values"};
/// What a name follows.
constexpr std::array<std::string_view, 6> name_targets{"from", "join", "into", "update", "table", "call"};
/// What may stand between those and the name.
constexpr std::array<std::string_view, 6> before_name{"only", "lateral", "if", "not", "exists", "table"};
/// What ends a list of tables.
constexpr std::array<std::string_view, 11> end_list{"where", "group",  "order",     "set",   "on",  "using",
                                                    "limit", "having", "returning", "union", "when"};

class summarizer {
public:
    std::string run(std::string_view sql)
    {
        for (auto token = take_token(sql); !token.empty() && !full_; token = take_token(sql)) {
            take(token, sql);
            before_ = token;
        }
        return std::move(summary_);
    }

private:
    /// What is open at one depth of parentheses.
    struct level {
        /// A query, not a list of columns or the arguments of a function, where FROM means something else.
        bool is_query = false;
        bool begins = true;
        /// Names of tables, between commas.
        bool lists = false;
    };

    void take(std::string_view token, std::string_view& rest)
    {
        auto& here = levels_.back();
        if (token == "(") {
            auto after = rest;
            levels_.push_back({.is_query = is_one_of(take_token(after), begin_query) || is_dml(rest)});
            wanted_ = false;
        }
        else if (token == ")") {
            if (levels_.size() > 1)
                levels_.pop_back();
            wanted_ = false;
        }
        else if (token == ";") {
            levels_.assign(1, {.is_query = true});
            wanted_ = false;
        }
        else if (wanted_ && is_one_of(token, before_name)) {
        }
        else if (wanted_ && is_name(token)) {
            add(qualified(token, rest));
            wanted_ = false;
        }
        else if (here.is_query) {
            take_in_query(token, here);
        }
    }

    void take_in_query(std::string_view token, level& here)
    {
        // FOR UPDATE, DO UPDATE, ON UPDATE and THEN DELETE do not begin anything.
        static constexpr std::array<std::string_view, 5> not_a_command{"for", "do", "on", "then", "no"};
        static constexpr std::array<std::string_view, 2> hides_from{"distinct", "not"};
        const bool is_command = is_name(token) && !is_one_of(before_, not_a_command) &&
                                (here.begins ? !is_word(token, "with") && (!after_with_ || is_one_of(token, queries))
                                             : is_one_of(token, queries));
        if (here.begins && is_word(token, "with"))
            after_with_ = true;
        if (is_command) {
            add(token);
            here.begins = false;
            here.lists = false;
        }
        if (token == "," && here.lists)
            wanted_ = true;
        else if (is_one_of(token, end_list))
            here.lists = false;
        const bool is_from = is_word(token, "from");
        if (is_one_of(token, name_targets) && !is_one_of(before_, not_a_command) &&
            !(is_from && is_one_of(before_, hides_from))) {
            wanted_ = true;
            here.lists = is_from || is_word(token, "join");
        }
    }

    /// A subquery that changes something, within WITH.
    static bool is_dml(std::string_view rest) { return is_one_of(take_token(rest), queries); }

    /// @returns a name with its schema.
    static std::string qualified(std::string_view name, std::string_view& rest)
    {
        std::string whole(name);
        while (rest.starts_with('.')) {
            auto after = rest.substr(1);
            const auto next = take_token(after);
            if (!is_name(next))
                break;
            whole += '.';
            whole += next;
            rest = after;
        }
        return whole;
    }

    void add(std::string_view word)
    {
        if (summary_.size() + 1 + word.size() > longest_query_summary) {
            full_ = true;
            return;
        }
        if (!summary_.empty())
            summary_ += ' ';
        summary_ += word;
    }

    std::string summary_;
    std::vector<level> levels_{{.is_query = true}};
    std::string_view before_;
    bool wanted_ = false; ///< a name comes next
    bool after_with_ = false;
    bool full_ = false;
};

} // namespace

std::string query_summary(std::string_view sql)
{
    return summarizer().run(sql);
}

} // namespace tradecore::pg
