// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/field.hpp>
#include <tradecore/pg/types/range_bounds.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::pg::detail {

/// Takes a range's bounds out of either format.
class range_reader {
public:
    /// @throws type_error when the range is malformed.
    range_reader(const field& from, std::string_view cpp_type);
    range_reader(const range_reader&) = delete;
    range_reader& operator=(const range_reader&) = delete;

    [[nodiscard]] bool is_empty() const noexcept { return empty_; }
    [[nodiscard]] range_bounds bounds() const noexcept { return bounds_; }
    /// @returns NULL where the range is unbounded. Valid as long as the reader lives.
    [[nodiscard]] field lower() const noexcept { return part(lower_); }
    [[nodiscard]] field upper() const noexcept { return part(upper_); }

private:
    void open_binary();
    void open_text();
    [[nodiscard]] std::optional<std::string_view> take_binary(std::string_view& rest) const;
    [[nodiscard]] std::optional<std::string_view> take_text(std::string_view& rest, std::string& unescaped) const;
    [[nodiscard]] field part(const std::optional<std::string_view>& bytes) const noexcept
    {
        return {
            *from_, element_, bytes ? bytes->data() : nullptr, bytes ? static_cast<std::int32_t>(bytes->size()) : -1};
    }
    [[noreturn]] void malformed() const;

    const field* from_;
    std::string_view cpp_type_;
    oid element_;
    std::optional<std::string_view> lower_;
    std::optional<std::string_view> upper_;
    std::string lower_text_;
    std::string upper_text_;
    range_bounds bounds_ = range_bounds::neither;
    bool empty_ = false;
};

/// Takes a multirange's ranges out of either format, one after the other.
class multirange_reader {
public:
    /// @throws type_error when the multirange is malformed.
    multirange_reader(const field& from, std::string_view cpp_type);

    /// Steps to the next range.
    [[nodiscard]] bool next();
    [[nodiscard]] field element() const noexcept
    {
        return {*from_, element_, current_.data(), static_cast<std::int32_t>(current_.size())};
    }

private:
    [[nodiscard]] bool next_binary();
    [[nodiscard]] bool next_text();
    [[noreturn]] void malformed() const;

    const field* from_;
    std::string_view cpp_type_;
    oid element_;
    std::string_view rest_;
    std::string_view current_;
    std::int32_t left_ = 0;
    bool first_ = true;
};

} // namespace tradecore::pg::detail
