// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/protocol/execution_frame.hpp"

#include <tradecore/pg/result.hpp>
#include <tradecore/pg/type_info.hpp>

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
    /// Empty when it is not kept by the server: then it is parsed with each use.
    std::string name{};
    pg::parameter_types parameter_types{};
    /// Null when it returns no rows. The formats are those asked for in Bind.
    std::shared_ptr<const row_description> columns{};
    std::vector<std::int16_t> result_formats{};
    /// What the server says of `columns` when a portal of it is described.
    std::string description{};
    /// Whether values of its rows tell of what they are made, and so can contradict what is known of their types.
    bool tells_types = false;
    /// Whether its text shows that it makes temporary objects: the session is altered by each use.
    bool makes_temporary = false;
    /// Whether nothing of that is so, nor has users' types among its parameters: it needs no care.
    bool is_usual = false;
    /// The parts of Bind and Execute around the arguments, which are the same each time.
    protocol::execution_frame frame{};
};

/// The prepared statements of one connection by their text, the least recently used dropped first. The one that was
/// inserted last is always kept, however long it is, unless none are to be kept.
///
/// Thread safety: none.
class statement_cache {
public:
    /// @param most how many statements. @param most_bytes how many bytes of text they have together.
    explicit statement_cache(std::size_t most = 256, std::size_t most_bytes = std::size_t{4} << 20U) noexcept
        : most_(most), most_bytes_(most_bytes)
    {}

    void limit(std::size_t most) noexcept { most_ = most; }
    void limit(std::size_t most, std::size_t most_bytes) noexcept
    {
        most_ = most;
        most_bytes_ = most_bytes;
    }
    [[nodiscard]] std::size_t size() const noexcept { return by_use_.size(); }
    /// @returns the statement of that text, now the most recently used; null when there is none.
    [[nodiscard]] std::shared_ptr<const prepared_statement> find(std::string_view text);
    /// Keeps a statement; what has to go for it, or for being its elder, can be closed later.
    void insert(std::string_view text, std::shared_ptr<const prepared_statement> added);
    /// Forgets the statement of that text, with or without its trace comment, if any; it can be closed later.
    void erase(std::string_view text);
    /// Forgets all; they can be closed later.
    void clear();
    /// @returns a name no statement of this connection has had.
    [[nodiscard]] std::string fresh_name();
    /// Takes those dropped statements that the server still holds and nobody is about to use: they can be closed.
    [[nodiscard]] std::vector<std::shared_ptr<const prepared_statement>> take_closable()
    {
        return dropped_.empty() ? std::vector<std::shared_ptr<const prepared_statement>>() : take_closable_of_dropped();
    }
    /// Adds what is to be closed, or could not be after all. One that is nameless when nobody is about to use it any
    /// more is forgotten.
    void put_back(std::vector<std::shared_ptr<const prepared_statement>> unclosed);

private:
    struct entry {
        std::string text;
        std::shared_ptr<const prepared_statement> statement;
    };
    using entries = std::list<entry>;

    void drop(entries::iterator where);
    [[nodiscard]] std::vector<std::shared_ptr<const prepared_statement>> take_closable_of_dropped();

    std::size_t most_;
    std::size_t most_bytes_;
    std::size_t bytes_ = 0;
    entries by_use_; // the most recently used first
    std::unordered_map<std::string_view, entries::iterator> by_text_;
    std::vector<std::shared_ptr<const prepared_statement>> dropped_;
    std::uint64_t named_ = 0;
};

} // namespace tradecore::pg::engine
