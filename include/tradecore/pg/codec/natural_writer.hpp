// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/natural.hpp>
#include <tradecore/pg/codec/optional.hpp>
#include <tradecore/pg/codec/parameter_traits_basic.hpp>
#include <tradecore/pg/enum_labels.hpp>
#include <tradecore/pg/json.hpp>
#include <tradecore/pg/parameter_writer.hpp>

#include <boost/json/value_from.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

// Writes arguments in the forms of natural.hpp. What lies in a described struct may be asked for as SQL or as JSON;
// where the SQL form says everything that JSON needs, only that is written (`says_json`).
namespace tradecore::pg::detail {

/// A type that `parameter_traits` writes for an SQL type with a name instead of a fixed OID.
template <class T>
concept named_encodable = requires(const T& value, parameter_writer& to) {
    { parameter_traits<T>::type_name } -> std::convertible_to<std::string_view>;
    parameter_traits<T>::encode(value, to);
};

/// A range that is an array, and nothing else by somebody's word.
template <class T>
concept plain_range = array_like<T> && !encodable<T> && !named_encodable<T> && !converts_parameter<T> &&
                      !requires { typename T::mapped_type; };

template <class R>
consteval std::size_t rank_of()
{
    if constexpr (plain_range<R>) {
        return 1 + rank_of<std::ranges::range_value_t<R>>();
    }
    else {
        return 0;
    }
}

template <class R>
struct leaf_of {
    using type = R;
};
template <plain_range R>
struct leaf_of<R> : leaf_of<std::ranges::range_value_t<R>> {};
/// What the innermost ranges hold.
template <class R>
using leaf_of_t = typename leaf_of<R>::type;

/// Whether there is a form to write the type in.
template <class T>
consteval bool is_argument()
{
    if constexpr (converts_parameter<T>) {
        return is_argument<converted_t<T>>();
    }
    else if constexpr (encodable<T> || named_encodable<T>) {
        return true;
    }
    else if constexpr (is_optional<T>) {
        return !plain_range<typename T::value_type> && is_argument<typename T::value_type>();
    }
    else if constexpr (plain_range<T>) {
        return is_argument<std::ranges::range_value_t<T>>();
    }
    else {
        return false;
    }
}

/// Whether the form that is no JSON has all that JSON needs.
template <class T>
consteval bool says_json()
{
    if constexpr (encodable<T>) {
        constexpr oid type = parameter_traits<T>::type;
        if constexpr (std::is_enum_v<T>) {
            return type == natural::label && (!spelled_enum<T> || !boost::describe::has_describe_enumerators<T>::value);
        }
        else if constexpr (integer_parameter<T>) {
            return std::is_signed_v<T> || sizeof(T) < 8;
        }
        else if constexpr (text_parameter<T>) {
            return type == oids::text;
        }
        else {
            return type == natural::structure || type == oids::jsonb || std::same_as<T, bool> ||
                   std::floating_point<T> || std::same_as<T, tradecore::uuid> ||
                   std::same_as<T, tradecore::timestamptz> || std::same_as<T, numeric>;
        }
    }
    else {
        return is_json_vector<T> && plain_range<T>;
    }
}

/// Whether the type is written twice, as SQL and as JSON.
template <class T, bool InStruct>
inline constexpr bool is_dual = InStruct && !says_json<T>() && has_json<T>();

/// @returns what `write_natural<InStruct>` makes of a `T`.
template <class T, bool InStruct>
consteval oid natural_type()
{
    if constexpr (is_dual<T, InStruct>) {
        return natural::dual;
    }
    else if constexpr (converts_parameter<T>) {
        return natural_type<converted_t<T>, InStruct>();
    }
    else if constexpr (encodable<T>) {
        return parameter_traits<T>::type;
    }
    else if constexpr (named_encodable<T>) {
        return natural::named;
    }
    else {
        return natural::array;
    }
}

/// @returns what the values of `T` have in common; it is there until the program ends.
template <class T>
const natural::shape* shape_of()
{
    static const natural::shape shape = [] {
        natural::shape made{.cpp_name = json_type_name<T>()};
        if constexpr (named_encodable<T>) {
            made.sql_name = parameter_traits<T>::type_name;
        }
        if constexpr (described_struct<T>) {
            boost::mp11::mp_for_each<json_members<T>>([&](auto member) { made.members.emplace_back(member.name); });
        }
        return made;
    }();
    return &shape;
}

template <bool InStruct, class T>
void write_natural(const T& value, parameter_writer& to);

/// Writes the elements of nested ranges and finds how many there are in each dimension.
template <class R, bool InStruct>
class range_writer {
public:
    explicit range_writer(parameter_writer& to) : to_(&to) {}

    void write(const R& range)
    {
        static_assert(rank <= 6, "PostgreSQL's arrays have six dimensions at most");
        to_->append(natural_type<value, InStruct>());
        to_->append(static_cast<std::int32_t>(rank));
        const auto sizes_at = to_->size();
        for (std::size_t i = 0; i < rank; ++i) {
            to_->append(std::int32_t{0});
            to_->append(std::int32_t{1});
        }
        sizes_.fill(-1);
        walk<0>(range);
        for (std::size_t i = 0; i < rank; ++i) {
            to_->patch(sizes_at + i * 8, sizes_[i] < 0 ? 0 : sizes_[i]);
        }
    }

private:
    static constexpr std::size_t rank = rank_of<R>();
    using leaf = leaf_of_t<R>;
    using value = without_optional_t<leaf>;

    template <std::size_t Level, class Sub>
    void walk(const Sub& range)
    {
        std::int32_t count = 0;
        for (auto&& item : range) {
            path_[Level] = count;
            const auto& element = static_cast<const std::ranges::range_value_t<Sub>&>(item);
            if constexpr (Level + 1 < rank) {
                walk<Level + 1>(element);
            }
            else {
                write_element(element);
            }
            ++count;
        }
        if (sizes_[Level] < 0) {
            sizes_[Level] = count;
        }
        else if (sizes_[Level] != count) {
            to_->refuse_ragged(std::span(path_).first(Level), count, sizes_[Level]);
        }
    }

    void write_element(const leaf& item)
    {
        if constexpr (is_optional<leaf>) {
            if (!item) {
                to_->append(std::int32_t{-1});
                return;
            }
        }
        const auto begin = to_->begin_value();
        if constexpr (is_optional<leaf>) {
            write_natural<InStruct>(*item, *to_);
        }
        else {
            write_natural<InStruct>(item, *to_);
        }
        to_->end_value(begin);
    }

    parameter_writer* to_;
    std::array<std::int32_t, rank> sizes_{};
    std::array<std::int32_t, rank> path_{};
};

/// As JSON and as SQL.
template <class T>
void write_dual(const T& value, parameter_writer& to)
{
    // What is more than bigint holds is still a number.
    if constexpr (integer_parameter<T>) {
        to.append(std::in_range<std::int64_t>(value) ? oids::int8 : oids::numeric);
    }
    else {
        to.append(natural_type<T, false>());
    }
    std::optional<std::string> json;
    try {
        json = json_text(to_json(value));
    }
    catch (const json_mismatch&) {
        json.reset(); // it is still a value for SQL
    }
    to.append(json ? static_cast<std::int32_t>(json->size()) : std::int32_t{-1});
    to.append(std::string_view(json ? *json : std::string()));
    if constexpr (integer_parameter<T>) {
        if (!std::in_range<std::int64_t>(value)) {
            to.append(numeric::from_string(std::to_string(value)).to_wire());
            return;
        }
    }
    write_natural<false>(value, to);
}

/// Appends the bytes of a value that is no optional.
/// @tparam InStruct whether JSON may be asked of it.
template <bool InStruct, class T>
void write_natural(const T& value, parameter_writer& to)
{
    if constexpr (is_dual<T, InStruct>) {
        write_dual(value, to);
    }
    else if constexpr (converts_parameter<T>) {
        write_natural<InStruct>(parameter_traits<T>::convert(value), to);
    }
    else if constexpr (encodable<T>) {
        parameter_traits<T>::encode(value, to);
    }
    else if constexpr (named_encodable<T>) {
        to.append_pointer(shape_of<T>());
        parameter_traits<T>::encode(value, to);
    }
    else if constexpr (plain_range<T> && is_argument<T>()) {
        range_writer<T, InStruct>(to).write(value);
    }
    else {
        explain_refusal<without_optional_t<leaf_of_t<T>>>();
    }
}

/// Whether nested ranges can be an array: all those of one level are of one size.
template <class R, std::size_t Rank>
bool is_rectangular(const R& range, std::span<std::optional<std::size_t>, Rank> sizes)
{
    std::size_t count = 0;
    for (auto&& item : range) {
        if constexpr (Rank > 1) {
            if (!is_rectangular(item, sizes.template subspan<1>())) {
                return false;
            }
        }
        ++count;
    }
    if (!sizes.front()) {
        sizes.front() = count;
    }
    return *sizes.front() == count;
}

template <class T>
void write_json_member(const T& value, parameter_writer& to)
{
    to.append(oids::jsonb);
    const auto begin = to.begin_value();
    try {
        append_json(to_json(value), to);
    }
    catch (const json_mismatch& mismatch) {
        to.refuse(mismatch.what());
    }
    to.end_value(begin);
}

/// Writes a member of a struct (`Named`) or a tuple: its type, length and bytes.
template <bool Named, class T>
void write_member(const T& value, parameter_writer& to)
{
    if constexpr (is_optional<T>) {
        if (!value) {
            to.append(oid{0});
            to.append(std::int32_t{-1});
            return;
        }
        write_member<Named>(*value, to);
    }
    else if constexpr (is_argument<T>()) {
        if constexpr (Named && rank_of<T>() > 1 && has_json<T>()) {
            // Only JSON has arrays of arrays of different sizes.
            std::array<std::optional<std::size_t>, rank_of<T>()> sizes;
            if (!is_rectangular(value, std::span(sizes))) {
                write_json_member(value, to);
                return;
            }
        }
        to.append(natural_type<T, Named>());
        const auto begin = to.begin_value();
        write_natural<Named>(value, to);
        to.end_value(begin);
    }
    else if constexpr (Named && has_json<T>()) {
        write_json_member(value, to);
    }
    else {
        explain_refusal<without_optional_t<leaf_of_t<T>>>();
    }
}

} // namespace tradecore::pg::detail
