// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <type_traits>

namespace tradecore::pg::detail {

/// Whether a type would look into a result: `std::string_view`, and anything made of it, such as
/// `pg::array<std::optional<std::string_view>>`. The members of described structs are asked one by one where they are
/// read.
template <class T>
inline constexpr bool holds_view = false;
template <template <class...> class Made, class... Of>
inline constexpr bool holds_view<Made<Of...>> = (holds_view<std::remove_cv_t<Of>> || ...);
template <>
inline constexpr bool holds_view<std::string_view> = true;

} // namespace tradecore::pg::detail
