// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/result.hpp>

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tradecore::pg::engine {

/// A statement as this connection's server knows it.
struct prepared_statement {
    std::string name;
    std::vector<oid> parameter_types;
    /// Null when it returns no rows. The formats are those asked for in Bind.
    std::shared_ptr<const row_description> columns;
    std::vector<std::int16_t> result_formats;
};

/// The prepared statements of one connection by their text, the least recently used dropped first. The one that was
/// inserted last is always kept.
///
/// Thread safety: none.
class statement_cache {
public:
    explicit statement_cache(std::size_t most = 256) noexcept : most_(most) {}

    void limit(std::size_t most) noexcept { most_ = most; }
    /// @returns the statement of that text, now the most recently used; null when there is none.
    [[nodiscard]] std::shared_ptr<const prepared_statement> find(std::string_view text);
    /// Keeps a statement; what has to go for it, or for being its elder, can be closed later.
    void insert(std::string_view text, std::shared_ptr<const prepared_statement> added);
    /// Forgets the statement of that text, if any; it can be closed later.
    void erase(std::string_view text);
    /// @returns a name no statement of this connection has had.
    [[nodiscard]] std::string fresh_name();
    /// Takes those dropped statements that the server still holds and nobody is about to use: they can be closed.
    [[nodiscard]] std::vector<std::shared_ptr<const prepared_statement>> take_closable();
    /// Gives back what could not be closed after all.
    void put_back(std::vector<std::shared_ptr<const prepared_statement>> unclosed);

private:
    struct entry {
        std::string text;
        std::shared_ptr<const prepared_statement> statement;
    };
    using entries = std::list<entry>;

    void drop(entries::iterator where);

    std::size_t most_;
    entries by_use_; // the most recently used first
    std::unordered_map<std::string_view, entries::iterator> by_text_;
    std::vector<std::shared_ptr<const prepared_statement>> dropped_;
    std::uint64_t named_ = 0;
};

} // namespace tradecore::pg::engine
