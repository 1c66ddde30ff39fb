// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/field_core.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tradecore::pg::detail {

/// Takes the attributes out of a composite value or an anonymous record, in order.
class record_reader {
public:
    /// @param from must outlive the reader, and `cpp_type`, too.
    /// @throws type_error when the value is malformed, or has another number of attributes than its type.
    record_reader(const field& from, std::string_view cpp_type);

    /// @returns the number of attributes.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// @returns the attribute's name; empty for one of an anonymous record.
    [[nodiscard]] std::string_view name(std::size_t index) const noexcept
    {
        return index < attributes_.size() ? std::string_view(attributes_[index].name) : std::string_view();
    }
    /// Takes the next attribute; to be called `size` times.
    /// @returns a field that is valid as long as the reader is.
    /// @throws type_error when the value ends before it.
    [[nodiscard]] field next();
    /// @returns whether the attribute that `next` gave has the type that was expected of it: then it was checked.
    [[nodiscard]] bool as_expected() const noexcept { return as_expected_; }
    /// To be called after the last attribute.
    /// @throws type_error when something follows it.
    void finish() const;
    /// @throws type_error unless there are that many attributes.
    void require_size(std::size_t wanted) const;
    /// @throws type_error always: `what` happened at the attribute that `next` gave.
    [[noreturn]] void refuse_attribute(std::string_view what) const;

private:
    struct text_element {
        std::size_t offset;
        std::int32_t length;
    };

    void open_binary();
    void open_text();
    void read_element();
    [[nodiscard]] field next_binary();
    [[nodiscard]] field next_text();
    [[noreturn]] void malformed() const;

    const field* from_;
    std::string_view cpp_type_;
    std::string_view rest_;
    std::span<const type_info::attribute> attributes_;
    std::size_t size_ = 0;
    std::size_t at_ = 0;
    bool as_expected_ = false;
    // Of the text format.
    std::string unescaped_;
    std::vector<text_element> elements_;
};

/// @returns the type of a composite's attribute of that name, 0 when there is none.
[[nodiscard]] type_ref attribute_type(const type_ref& composite, std::string_view name) noexcept;

} // namespace tradecore::pg::detail
