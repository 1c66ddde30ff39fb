// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/field.hpp>
#include <tradecore/pg/row_store.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tradecore::pg {

/// The server's word on what a command did, such as `UPDATE 3`.
class command_tag {
public:
    /// PostgreSQL's own limit. (src/include/tcop/cmdtag.h, COMPLETION_TAG_BUFSIZE.)
    static constexpr std::size_t longest = 63;

    command_tag() = default;
    /// @param text what is beyond `longest` is cut.
    explicit command_tag(std::string_view text) noexcept
        : size_(static_cast<std::uint8_t>(text.copy(text_.data(), longest)))
    {}

    /// @returns the tag as the server sent it; looks into this object.
    [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), size_}; }
    /// @returns the number at the tag's end; 0 for commands whose tag has none.
    [[nodiscard]] std::uint64_t rows_affected() const noexcept;

private:
    std::array<char, longest> text_{};
    std::uint8_t size_ = 0;
};

class result;

/// One row of a `result`: a view, valid as long as the result lives.
class row {
public:
    row(const result& owner, std::size_t index) noexcept : owner_(&owner), index_(index) {}

    /// @returns the field of the column called `name`.
    /// @throws type_error when no column has that name, or more than one.
    [[nodiscard]] field operator[](std::string_view name) const;
    /// @returns the field at `position`, counted from 0.
    /// @throws type_error when there are fewer columns.
    [[nodiscard]] field operator[](std::size_t position) const;
    [[nodiscard]] std::size_t size() const noexcept;
    [[nodiscard]] const row_description& columns() const noexcept;

private:
    const result* owner_;
    std::size_t index_;
};

/// The complete answer to one statement: its columns, rows and tag. Owns its memory.
///
/// Thread safety: none; distinct results are independent.
class result {
public:
    class iterator;
    using const_iterator = iterator;

    result() = default;
    result(result&&) noexcept = default;
    result& operator=(result&&) noexcept = default;
    result(const result&) = delete;
    result& operator=(const result&) = delete;
    ~result() = default;

    [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }
    [[nodiscard]] bool empty() const noexcept { return rows_.size() == 0; }
    [[nodiscard]] row operator[](std::size_t index) const noexcept { return {*this, index}; }
    [[nodiscard]] iterator begin() const noexcept;
    [[nodiscard]] iterator end() const noexcept;
    [[nodiscard]] const row_description& columns() const noexcept;
    [[nodiscard]] const command_tag& tag() const noexcept { return tag_; }

    /// The field at (row, column); both must exist.
    [[nodiscard]] field at(std::size_t row, std::size_t column) const noexcept
    {
        const auto found = rows_.at(row, column);
        return {(*columns_)[column], found.data, found.length};
    }

    // --- filled by the connection -------------------------------------------------------------
    void describe(std::shared_ptr<const row_description> columns) { columns_ = std::move(columns); }
    /// Appends a DataRow message's payload.
    /// @returns false when the payload is malformed or has another number of columns.
    [[nodiscard]] bool append_row(std::string_view payload) { return rows_.append(payload, columns().size()); }
    void finish(std::string_view tag) noexcept { tag_ = command_tag(tag); }

private:
    std::shared_ptr<const row_description> columns_;
    detail::row_store rows_;
    command_tag tag_;
};

/// Walks a result's rows.
class result::iterator {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = row;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = row;

    iterator() = default;
    iterator(const result& owner, std::size_t index) noexcept : owner_(&owner), index_(index) {}
    row operator*() const noexcept { return {*owner_, index_}; }
    iterator& operator++() noexcept
    {
        ++index_;
        return *this;
    }
    iterator operator++(int) noexcept
    {
        auto before = *this;
        ++index_;
        return before;
    }
    bool operator==(const iterator& other) const noexcept { return index_ == other.index_; }

private:
    const result* owner_ = nullptr;
    std::size_t index_ = 0;
};

inline result::iterator result::begin() const noexcept
{
    return {*this, 0};
}
inline result::iterator result::end() const noexcept
{
    return {*this, rows_.size()};
}

} // namespace tradecore::pg
