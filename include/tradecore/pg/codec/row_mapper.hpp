// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/views.hpp>
#include <tradecore/pg/json.hpp>
#include <tradecore/pg/result.hpp>

#include <boost/mp11/algorithm.hpp>
#include <boost/mp11/list.hpp>
#include <boost/pfr/core.hpp>

#include <array>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace tradecore::pg::detail {

[[noreturn]] void refuse_rows(std::size_t found, std::string_view expected);
[[noreturn]] void refuse_null_value(std::string_view column);
/// @throws cardinality_error unless there is one column.
void require_one_column(const row_description& columns);
/// @throws type_error unless there are `wanted` columns.
void require_columns(const row_description& columns, std::size_t wanted, std::string_view cpp_type);
/// @returns the position of the column with the member's name.
/// @throws type_error naming the member when there is none, or more than one.
[[nodiscard]] std::size_t
column_of_member(const row_description& columns, std::string_view member, std::string_view cpp_type);

template <class T>
constexpr void require_owning()
{
    static_assert(
        !holds_view<T>, "the rows are gone when the call returns: map to std::string; a std::string_view is only for "
                        "row[...].as<std::string_view>()");
}

template <class T>
void check_column(const column& what)
{
    require_owning<T>();
    field(what, nullptr, -1).check<T>();
}

template <class T>
T read(const result& rows, std::size_t row, std::size_t position)
{
    return rows.at(row, position).template decode<T>();
}

/// One value from the only column.
template <class T>
class value_mapper {
public:
    explicit value_mapper(const row_description& columns)
    {
        require_one_column(columns);
        check_column<T>(columns.front());
    }
    T operator()(const result& rows, std::size_t row) const { return read<T>(rows, row, 0); }
};

template <class T>
class named_mapper {
public:
    explicit named_mapper(const row_description& columns)
    {
        const auto cpp_type = json_type_name<T>();
        std::size_t index = 0;
        boost::mp11::mp_for_each<members>([&](auto member) {
            const auto position = column_of_member(columns, member.name, cpp_type);
            check_column<std::remove_cvref_t<decltype(std::declval<T>().*member.pointer)>>(columns[position]);
            positions_[index++] = position;
        });
    }
    T operator()(const result& rows, std::size_t row) const
    {
        T value{};
        std::size_t index = 0;
        boost::mp11::mp_for_each<members>([&](auto member) {
            auto& to = value.*member.pointer;
            to = read<std::remove_cvref_t<decltype(to)>>(rows, row, positions_[index++]);
        });
        return value;
    }

private:
    using members = boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;
    std::array<std::size_t, boost::mp11::mp_size<members>::value> positions_{};
};

template <class T>
class tuple_mapper {
public:
    explicit tuple_mapper(const row_description& columns)
    {
        require_columns(columns, std::tuple_size_v<T>, json_type_name<T>());
        check(columns, indices{});
    }
    T operator()(const result& rows, std::size_t row) const { return make(rows, row, indices{}); }

private:
    using indices = std::make_index_sequence<std::tuple_size_v<T>>;
    template <std::size_t... I>
    static void check(const row_description& columns, std::index_sequence<I...>)
    {
        (check_column<std::tuple_element_t<I, T>>(columns[I]), ...);
    }
    template <std::size_t... I>
    static T make(const result& rows, std::size_t row, std::index_sequence<I...>)
    {
        return T{read<std::tuple_element_t<I, T>>(rows, row, I)...};
    }
};

template <class T>
class aggregate_mapper {
public:
    explicit aggregate_mapper(const row_description& columns)
    {
        require_columns(columns, boost::pfr::tuple_size_v<T>, json_type_name<T>());
        check(columns, indices{});
    }
    T operator()(const result& rows, std::size_t row) const { return make(rows, row, indices{}); }

private:
    using indices = std::make_index_sequence<boost::pfr::tuple_size_v<T>>;
    template <std::size_t... I>
    static void check(const row_description& columns, std::index_sequence<I...>)
    {
        (check_column<boost::pfr::tuple_element_t<I, T>>(columns[I]), ...);
    }
    template <std::size_t... I>
    static T make(const result& rows, std::size_t row, std::index_sequence<I...>)
    {
        return T{read<boost::pfr::tuple_element_t<I, T>>(rows, row, I)...};
    }
};

template <class T>
inline constexpr bool is_tuple = false;
template <class... M>
inline constexpr bool is_tuple<std::tuple<M...>> = true;
template <class A, class B>
inline constexpr bool is_tuple<std::pair<A, B>> = true;

template <class T>
concept plain_aggregate = std::is_aggregate_v<T> && std::is_class_v<T> && !decodable<T>;

/// Which of the mappers a row type takes.
template <class T>
struct choose_mapper {
    using type = value_mapper<T>;
};
template <described_struct T>
struct choose_mapper<T> {
    using type = named_mapper<T>;
};
template <class T>
    requires is_tuple<T>
struct choose_mapper<T> {
    using type = tuple_mapper<T>;
};
template <class T>
    requires(plain_aggregate<T> && !described_struct<T> && !is_tuple<T>)
struct choose_mapper<T> {
    using type = aggregate_mapper<T>;
};
template <class T>
using row_mapper = typename choose_mapper<T>::type;

} // namespace tradecore::pg::detail
