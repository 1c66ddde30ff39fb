// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/statement_cache.hpp"

#include <tradecore/pg/trace_comment.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace tradecore::pg::engine {

std::shared_ptr<const prepared_statement> statement_cache::find(std::string_view text)
{
    // Most often it is the same as the last time, and comparing is a fifth of the work of hashing.
    if (!by_use_.empty() && by_use_.front().text == text)
        return by_use_.front().statement;
    const auto found = by_text_.find(text);
    if (found == by_text_.end())
        return nullptr;
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    return found->second->statement;
}

void statement_cache::insert(std::string_view text, std::shared_ptr<const prepared_statement> added)
{
    erase(text);
    by_use_.push_front({std::string(text), std::move(added)});
    by_text_.emplace(by_use_.front().text, by_use_.begin());
    bytes_ += text.size();
    while (by_use_.size() > std::min<std::size_t>(most_, 1) && (by_use_.size() > most_ || bytes_ > most_bytes_))
        drop(std::prev(by_use_.end()));
}

void statement_cache::erase(std::string_view text)
{
    auto found = by_text_.find(text);
    if (found == by_text_.end())
        found = by_text_.find(without_trace_comment(text));
    if (found != by_text_.end())
        drop(found->second);
}

void statement_cache::clear()
{
    while (!by_use_.empty())
        drop(by_use_.begin());
}

void statement_cache::drop(entries::iterator where)
{
    bytes_ -= where->text.size();
    if (!where->statement->name.empty())
        dropped_.push_back(std::move(where->statement));
    by_text_.erase(where->text);
    by_use_.erase(where);
}

std::vector<std::shared_ptr<const prepared_statement>> statement_cache::take_closable_of_dropped()
{
    const auto in_use = [](const auto& statement) { return statement.use_count() > 1; };
    const auto closable = std::partition(dropped_.begin(), dropped_.end(), in_use);
    std::vector<std::shared_ptr<const prepared_statement>> taken(
        std::make_move_iterator(closable), std::make_move_iterator(dropped_.end()));
    dropped_.erase(closable, dropped_.end());
    std::erase_if(taken, [](const auto& statement) { return statement->name.empty(); });
    return taken;
}

void statement_cache::put_back(std::vector<std::shared_ptr<const prepared_statement>> unclosed)
{
    std::ranges::move(unclosed, std::back_inserter(dropped_));
}

std::string statement_cache::fresh_name()
{
    return "tc" + std::to_string(++named_);
}

} // namespace tradecore::pg::engine
