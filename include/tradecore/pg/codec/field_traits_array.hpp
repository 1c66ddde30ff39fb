// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/field.hpp>
#include <tradecore/pg/type_names.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tradecore::pg::detail {

/// Takes the elements out of a one-dimensional array, one after the other.
class array_reader {
public:
    /// @throws type_error when the array is malformed or has more than one dimension.
    array_reader(const field& from, std::string_view cpp_type);

    /// @returns a number of elements that is right for the binary and a guess for the text format.
    [[nodiscard]] std::size_t expected() const noexcept { return expected_; }
    /// @returns the type that the elements have.
    [[nodiscard]] oid element_type() const noexcept { return element_type_; }
    /// Steps to the next element.
    /// @returns whether there is one; `element()` is valid until the next call.
    [[nodiscard]] bool next();
    [[nodiscard]] field element() const noexcept
    {
        return {from_->of(), element_type_, from_->format(), data_, length_};
    }

private:
    void open_binary();
    void open_text();
    bool next_binary();
    bool next_text();
    void read_quoted();
    void read_plain();
    [[noreturn]] void malformed() const;

    const field* from_;
    std::string_view cpp_type_;
    std::string_view rest_;
    oid element_type_ = 0;
    std::size_t expected_ = 0;
    std::size_t left_ = 0;
    bool first_ = true;
    std::string unescaped_;
    const char* data_ = nullptr;
    std::int32_t length_ = -1;
};

} // namespace tradecore::pg::detail

namespace tradecore::pg {

/// One-dimensional arrays; NULL elements need `std::vector<std::optional<T>>`.
template <class T>
    requires(!std::same_as<T, std::byte> && decodable<detail::without_optional_t<T>>)
struct field_traits<std::vector<T>> {
    using element_traits = field_traits<detail::without_optional_t<T>>;

    static std::string name()
    {
        return detail::is_optional<T> ? "std::vector<std::optional<" + element_traits::name() + ">>"
                                      : "std::vector<" + element_traits::name() + ">";
    }
    static bool accepts(oid type, wire_format format)
    {
        // Elements of a text array are unescaped somewhere else: nothing a view could look into.
        constexpr bool is_view = std::is_same_v<detail::without_optional_t<T>, std::string_view>;
        const oid element = array_element(type);
        return element != 0 && element_traits::accepts(element, format) && !(is_view && format == wire_format::text);
    }
    static std::vector<T> decode(const field& from)
    {
        const auto cpp_type = name();
        detail::array_reader reader(from, cpp_type);
        if (reader.element_type() != array_element(from.type())) {
            from.refuse(cpp_type, "the elements are of type " + type_name(reader.element_type()));
        }
        std::vector<T> values;
        values.reserve(reader.expected());
        while (reader.next()) {
            values.push_back(reader.element().template decode<T>());
        }
        return values;
    }
};

} // namespace tradecore::pg
