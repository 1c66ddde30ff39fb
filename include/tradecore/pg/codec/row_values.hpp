// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/row_mapper.hpp>
#include <tradecore/pg/parameters.hpp>

#include <boost/mp11/algorithm.hpp>
#include <boost/pfr/core.hpp>

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

/// Which values a row of C++ has when it is sent: the counterpart of the row mappers.
namespace tradecore::pg::detail {

template <class T>
concept described_row =
    described_struct<T> && !std::same_as<T, tradecore::uuid> && !std::same_as<T, numeric> && !converts_parameter<T>;

template <class T>
concept aggregate_row = std::is_aggregate_v<T> && std::is_class_v<T> && !described_struct<T> && !is_tuple<T> &&
                        !encodable<T> && !converts_parameter<T> && !array_like<T> && !is_optional<T>;

template <described_row T>
using described_members =
    boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;

/// How many values a row of type `T` has: the members of a tuple, a pair, a described struct or an aggregate; anything
/// else is one value.
template <class T>
constexpr std::size_t count_values()
{
    if constexpr (is_tuple<T>)
        return std::tuple_size_v<T>;
    else if constexpr (described_row<T>)
        return boost::mp11::mp_size<described_members<T>>::value;
    else if constexpr (aggregate_row<T>)
        return boost::pfr::tuple_size_v<T>;
    else
        return 1;
}
template <class T>
inline constexpr std::size_t value_count = count_values<std::remove_cvref_t<T>>();

/// Calls `visit` with each value of a row, in order.
template <class T, class Visit>
constexpr void for_each_value(const T& row, Visit&& visit)
{
    if constexpr (is_tuple<T>)
        std::apply([&](const auto&... values) { (visit(values), ...); }, row);
    else if constexpr (described_row<T>)
        boost::mp11::mp_for_each<described_members<T>>([&](auto member) { visit(row.*member.pointer); });
    else if constexpr (aggregate_row<T>)
        boost::pfr::for_each_field(row, visit);
    else
        visit(row);
}

} // namespace tradecore::pg::detail
