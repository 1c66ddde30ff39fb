// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/array_reader.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tradecore::pg {

namespace detail {

template <class T>
inline constexpr std::size_t vector_rank = 0;
template <class T>
    requires(!std::same_as<T, std::byte>)
inline constexpr std::size_t vector_rank<std::vector<T>> = 1 + vector_rank<T>;

/// Whether elements of that type can be read as `T`.
template <class T>
bool accepts_element(const type_ref& element, wire_format format)
{
    // Elements of a text array are unescaped somewhere else: nothing a view could look into.
    constexpr bool is_view = std::is_same_v<without_optional_t<T>, std::string_view>;
    return field_traits<without_optional_t<T>>::accepts(element, format) && !(is_view && format == wire_format::text);
}

/// Fills nested vectors, the elements of one level after the other.
/// @param level the dimension of `V`.
template <class V>
V take_level(array_reader& reader, std::size_t level)
{
    using element = typename V::value_type;
    V values;
    const auto size = reader.dimensions().empty() ? 0 : static_cast<std::size_t>(reader.dimensions()[level].size);
    values.reserve(size);
    for (std::size_t i = 0; i < size; ++i) {
        if constexpr (vector_rank<element> > 0) {
            values.push_back(take_level<element>(reader, level + 1));
        }
        else {
            values.push_back(reader.next().template decode<element>());
        }
    }
    return values;
}

} // namespace detail

/// Arrays: as many vectors in each other as there are dimensions, whatever the lower bounds. NULL elements need
/// `std::vector<std::optional<T>>`. Where the elements are themselves arrays (of a domain over an array), a vector in
/// a vector is one of them.
template <class T>
    requires(!std::same_as<T, std::byte> && decodable<detail::without_optional_t<T>>)
struct field_traits<std::vector<T>> {
    static std::string name()
    {
        const auto element = field_traits<detail::without_optional_t<T>>::name();
        return detail::is_optional<T> ? "std::vector<std::optional<" + element + ">>" : "std::vector<" + element + ">";
    }
    static bool accepts(const type_ref& type, wire_format format)
    {
        const auto element = type.element().base();
        if (type.kind() != type_kind::array || element == 0) {
            return false;
        }
        if constexpr (detail::vector_rank<T> > 0) {
            if (element.kind() != type_kind::array) {
                return field_traits<T>::accepts(type, format); // one dimension less of the same
            }
        }
        return detail::accepts_element<T>(element, format);
    }
    static std::vector<T> decode(const field& from)
    {
        const auto cpp_type = name();
        detail::array_reader reader(from, cpp_type);
        auto values = take(from, reader);
        reader.finish();
        return values;
    }

private:
    static std::vector<T> take(const field& from, detail::array_reader& reader)
    {
        if constexpr (detail::vector_rank<T> > 0) {
            if (from.sql_type().element().base().kind() == type_kind::array) {
                reader.require_rank(1);
                std::vector<T> values;
                values.reserve(reader.count());
                while (values.size() < reader.count()) {
                    values.push_back(reader.next().template decode<T>());
                }
                return values;
            }
        }
        reader.require_rank(detail::vector_rank<std::vector<T>>);
        return detail::take_level<std::vector<T>>(reader, 0);
    }
};

/// Arrays with their dimensions and lower bounds.
template <class T>
    requires decodable<detail::without_optional_t<T>>
struct field_traits<array<T>> {
    static std::string name()
    {
        const auto element = field_traits<detail::without_optional_t<T>>::name();
        return "tradecore::pg::array<" + (detail::is_optional<T> ? "std::optional<" + element + ">" : element) + ">";
    }
    static bool accepts(const type_ref& type, wire_format format)
    {
        const auto element = type.element().base();
        return type.kind() == type_kind::array && element != 0 && detail::accepts_element<T>(element, format);
    }
    static array<T> decode(const field& from)
    {
        const auto cpp_type = name();
        detail::array_reader reader(from, cpp_type);
        array<T> made;
        made.dimensions.assign(reader.dimensions().begin(), reader.dimensions().end());
        made.values.reserve(reader.count());
        while (made.values.size() < reader.count()) {
            made.values.push_back(reader.next().template decode<T>());
        }
        reader.finish();
        return made;
    }
};

} // namespace tradecore::pg
