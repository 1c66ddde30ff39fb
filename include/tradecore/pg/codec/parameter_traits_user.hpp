// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/natural_writer.hpp>
#include <tradecore/pg/types/array.hpp>

#include <tuple>
#include <utility>

namespace tradecore::pg {

/// Described structs: attribute by attribute, found by name, for a composite type; an object for json and jsonb. The
/// server's type decides. Members that are themselves described structs, ranges and optionals follow the same rule.
template <described_struct T>
    requires(!std::same_as<T, tradecore::uuid> && !std::same_as<T, numeric>)
struct parameter_traits<T> {
    static constexpr oid type = detail::natural::structure;
    static void encode(const T& value, parameter_writer& to)
    {
        to.append_pointer(detail::shape_of<T>());
        boost::mp11::mp_for_each<detail::json_members<T>>(
            [&](auto member) { detail::write_member<true>(value.*member.pointer, to); });
    }
};

/// Tuples and pairs: attribute by attribute, by position, for a composite type.
template <class... M>
struct parameter_traits<std::tuple<M...>> {
    static constexpr oid type = detail::natural::tuple;
    static void encode(const std::tuple<M...>& value, parameter_writer& to)
    {
        to.append_pointer(detail::shape_of<std::tuple<M...>>());
        std::apply([&](const M&... member) { (detail::write_member<false>(member, to), ...); }, value);
    }
};
template <class A, class B>
struct parameter_traits<std::pair<A, B>> {
    static constexpr oid type = detail::natural::tuple;
    static void encode(const std::pair<A, B>& value, parameter_writer& to)
    {
        to.append_pointer(detail::shape_of<std::pair<A, B>>());
        detail::write_member<false>(value.first, to);
        detail::write_member<false>(value.second, to);
    }
};

/// Enums with labels: for an enum type, and wherever text goes.
template <labelled_enum T>
struct parameter_traits<T> {
    static constexpr oid type = detail::natural::label;
    static void encode(T value, parameter_writer& to)
    {
        const auto label = detail::label_of(value);
        if (!label) {
            to.refuse(
                std::to_string(static_cast<long long>(value)) + " is no labelled value of " + json_type_name<T>());
        }
        to.append_pointer(detail::shape_of<T>());
        to.append_text(*label);
    }
};

/// Arrays with dimensions and lower bounds.
template <class T>
    requires(detail::is_argument<T>())
struct parameter_traits<array<T>> {
    static constexpr oid type = detail::natural::array;
    static void encode(const array<T>& value, parameter_writer& to)
    {
        using element = detail::without_optional_t<T>;
        to.append(detail::natural_type<element, false>());
        to.append(static_cast<std::int32_t>(value.dimensions.size()));
        std::size_t product = value.dimensions.empty() ? 0 : 1;
        for (const auto& dimension : value.dimensions) {
            to.append(dimension.size);
            to.append(dimension.lower_bound);
            if (dimension.size < 0 ||
                __builtin_mul_overflow(product, static_cast<std::size_t>(dimension.size), &product)) {
                to.refuse_dimensions(value.values.size());
            }
        }
        if (product != value.values.size() || value.dimensions.size() > 6) {
            to.refuse_dimensions(value.values.size());
        }
        for (const auto& item : value.values) {
            if constexpr (detail::is_optional<T>) {
                if (!item) {
                    to.append(std::int32_t{-1});
                    continue;
                }
            }
            const auto begin = to.begin_value();
            if constexpr (detail::is_optional<T>) {
                detail::write_natural<false>(*item, to);
            }
            else {
                detail::write_natural<false>(static_cast<const T&>(item), to);
            }
            to.end_value(begin);
        }
    }
};

} // namespace tradecore::pg
