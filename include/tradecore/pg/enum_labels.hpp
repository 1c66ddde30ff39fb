// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/describe/enum_to_string.hpp>
#include <boost/describe/enumerators.hpp>
#include <boost/mp11/algorithm.hpp>

#include <concepts>
#include <optional>
#include <ranges>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tradecore::pg {

/// How the values of a C++ enum are spelled in SQL. An enum that BOOST_DESCRIBE_ENUM describes needs none of this:
/// its labels are the names of its enumerators. Specialize it where they are not, or cannot be:
///
///     template <>
///     struct tradecore::pg::enum_labels<order_state> {
///         static constexpr std::pair<order_state, std::string_view> values[] = {
///             {order_state::open, "open"},
///             {order_state::in_progress, "in progress"},
///         };
///     };
template <class T>
struct enum_labels;

/// An enum whose labels `enum_labels` says.
template <class T>
concept spelled_enum = std::is_enum_v<T> && requires {
    { std::ranges::begin(enum_labels<T>::values)->first } -> std::convertible_to<T>;
    { std::ranges::begin(enum_labels<T>::values)->second } -> std::convertible_to<std::string_view>;
};

/// An enum that has labels.
template <class T>
concept labelled_enum = spelled_enum<T> || (std::is_enum_v<T> && boost::describe::has_describe_enumerators<T>::value);

namespace detail {

/// @returns the value's label; nothing when it has none.
template <labelled_enum T>
[[nodiscard]] std::optional<std::string_view> label_of(T value) noexcept
{
    if constexpr (spelled_enum<T>) {
        for (const auto& [known, label] : enum_labels<T>::values) {
            if (known == value) {
                return std::string_view(label);
            }
        }
        return std::nullopt;
    }
    else {
        const char* const name = boost::describe::enum_to_string(value, nullptr);
        return name == nullptr ? std::nullopt : std::optional<std::string_view>(name);
    }
}

/// @returns the value with that label; nothing when there is none.
template <labelled_enum T>
[[nodiscard]] std::optional<T> value_of_label(std::string_view label) noexcept
{
    std::optional<T> found;
    if constexpr (spelled_enum<T>) {
        for (const auto& [value, known] : enum_labels<T>::values) {
            if (known == label) {
                return value;
            }
        }
    }
    else {
        boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto enumerator) {
            if (label == enumerator.name) {
                found = enumerator.value;
            }
        });
    }
    return found;
}

} // namespace detail
} // namespace tradecore::pg
