// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/statement_cache.hpp"

#include <utility>

namespace tradecore::pg::engine {

std::shared_ptr<const prepared_statement> statement_cache::find(std::string_view text)
{
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
    while (by_use_.size() > most_)
        drop(std::prev(by_use_.end()));
}

void statement_cache::erase(std::string_view text)
{
    if (const auto found = by_text_.find(text); found != by_text_.end())
        drop(found->second);
}

void statement_cache::drop(entries::iterator where)
{
    dropped_.push_back(where->statement->name);
    by_text_.erase(where->text);
    by_use_.erase(where);
}

std::string statement_cache::fresh_name()
{
    return "tc" + std::to_string(++named_);
}

} // namespace tradecore::pg::engine
