// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

namespace tradecore::pg::detail {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
struct without_optional {
    using type = T;
};
template <class T>
struct without_optional<std::optional<T>> {
    using type = T;
};
template <class T>
using without_optional_t = typename without_optional<T>::type;

} // namespace tradecore::pg::detail
