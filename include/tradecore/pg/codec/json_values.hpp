// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/optional.hpp>
#include <tradecore/pg/enum_labels.hpp>
#include <tradecore/pg/json.hpp>

namespace tradecore::pg::detail {

template <class T>
inline constexpr bool is_json_vector = false;
template <class T, class A>
inline constexpr bool is_json_vector<std::vector<T, A>> = true;

template <class T>
inline constexpr bool is_json_map = false;
template <class V, class C, class A>
inline constexpr bool is_json_map<std::map<std::string, V, C, A>> = true;

template <class T>
inline constexpr bool is_json_integer =
    std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char> && sizeof(T) <= sizeof(std::int64_t);

template <class T>
using json_members = boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;

[[nodiscard]] boost::json::value json_of(double value);
[[nodiscard]] boost::json::value json_of(const tradecore::uuid& value);
[[nodiscard]] boost::json::value json_of(tradecore::timestamptz value);
[[nodiscard]] boost::json::value json_of(const numeric& value);

[[nodiscard]] const boost::json::object& json_object(const boost::json::value& value);
[[nodiscard]] const boost::json::array& json_array(const boost::json::value& value);
[[nodiscard]] std::string_view json_string(const boost::json::value& value);
[[nodiscard]] bool json_bool(const boost::json::value& value);
[[nodiscard]] double json_double(const boost::json::value& value);
[[nodiscard]] tradecore::uuid json_uuid(const boost::json::value& value);
[[nodiscard]] tradecore::timestamptz json_timestamptz(const boost::json::value& value);
[[nodiscard]] numeric json_numeric(const boost::json::value& value);
[[noreturn]] void json_integer_mismatch(const boost::json::value& value, std::string_view cpp_type);
[[noreturn]] void json_enum_mismatch(std::string_view text, std::string_view cpp_type);
[[noreturn]] void json_member_missing(std::string_view member);
/// @returns the path step of an array's element.
[[nodiscard]] std::string json_step(std::size_t index);

/// Whether `to_json` has an answer. (A struct has one when its values have: see `write_struct`.)
template <class T>
consteval bool has_json()
{
    if constexpr (is_optional<T> || is_json_vector<T>) {
        return has_json<typename T::value_type>();
    }
    else if constexpr (is_json_map<T>) {
        return has_json<typename T::mapped_type>();
    }
    else if constexpr (
        std::same_as<T, bool> || is_json_integer<T> || std::floating_point<T> || std::same_as<T, tradecore::uuid> ||
        std::same_as<T, tradecore::timestamptz> || std::same_as<T, numeric> ||
        std::convertible_to<const T&, std::string_view> || labelled_enum<T> || described_struct<T>) {
        return true;
    }
    else {
        return boost::json::has_value_from<T>::value;
    }
}

/// Whether `from_json` can make one.
template <class T>
consteval bool reads_json()
{
    if constexpr (is_optional<T> || is_json_vector<T>) {
        return reads_json<typename T::value_type>();
    }
    else if constexpr (is_json_map<T>) {
        return reads_json<typename T::mapped_type>();
    }
    else if constexpr (
        std::same_as<T, bool> || is_json_integer<T> || std::floating_point<T> || std::same_as<T, tradecore::uuid> ||
        std::same_as<T, tradecore::timestamptz> || std::same_as<T, numeric> || std::same_as<T, std::string> ||
        labelled_enum<T> || described_struct<T>) {
        return true;
    }
    else {
        return boost::json::has_value_to<T>::value;
    }
}

template <class T>
T json_integer(const boost::json::value& value)
{
    boost::json::error_code failed;
    const auto number = value.is_number() ? value.to_number<T>(failed) : T{};
    if (!value.is_number() || failed) {
        json_integer_mismatch(value, json_type_name<T>());
    }
    return number;
}

template <class T>
void read_member(const boost::json::object& from, std::string_view name, T& to)
{
    const auto* member = from.if_contains(name);
    if (member == nullptr) {
        if constexpr (is_optional<T>) {
            to = std::nullopt;
            return;
        }
        else {
            json_member_missing(name);
        }
    }
    // The struct may be one for composite values, too, with members that only these have.
    if constexpr (reads_json<T>()) {
        try {
            to = from_json<T>(*member);
        }
        catch (const json_mismatch& mismatch) {
            throw mismatch.below(name);
        }
    }
    else {
        throw json_mismatch(std::string(name), "JSON does not go into " + json_type_name<T>());
    }
}

template <class T>
T read_vector(const boost::json::array& from)
{
    T values;
    values.reserve(from.size());
    for (std::size_t i = 0; i < from.size(); ++i) {
        try {
            values.push_back(from_json<typename T::value_type>(from[i]));
        }
        catch (const json_mismatch& mismatch) {
            throw mismatch.below(json_step(i));
        }
    }
    return values;
}

template <class T>
T read_map(const boost::json::object& from)
{
    T values;
    for (const auto& [name, member] : from) {
        read_member(from, name, values[std::string(name)]);
    }
    return values;
}

template <class T>
T read_struct(const boost::json::object& from)
{
    T value{};
    boost::mp11::mp_for_each<json_members<T>>(
        [&](auto member) { read_member(from, member.name, value.*member.pointer); });
    return value;
}

// JSON has the names of the enumerators; the labels of SQL where an enum has no others.
template <class T>
T read_enum(std::string_view text)
{
    std::optional<T> found;
    if constexpr (boost::describe::has_describe_enumerators<T>::value) {
        boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto enumerator) {
            if (text == enumerator.name) {
                found = enumerator.value;
            }
        });
    }
    else {
        found = value_of_label<T>(text);
    }
    if (!found) {
        json_enum_mismatch(text, json_type_name<T>());
    }
    return *found;
}

template <class T>
boost::json::value write_enum(T value)
{
    std::optional<std::string_view> name;
    if constexpr (boost::describe::has_describe_enumerators<T>::value) {
        if (const char* const known = boost::describe::enum_to_string(value, nullptr)) {
            name = known;
        }
    }
    else {
        name = label_of(value);
    }
    if (!name) {
        throw json_mismatch("", "an enumerator of " + json_type_name<T>() + " without a description");
    }
    return boost::json::string(*name);
}

template <class T>
boost::json::value write_struct(const T& value)
{
    boost::json::object object;
    boost::mp11::mp_for_each<json_members<T>>([&](auto member) {
        using type = std::remove_cvref_t<decltype(value.*member.pointer)>;
        if constexpr (has_json<type>()) {
            object.emplace(member.name, to_json(value.*member.pointer));
        }
        else {
            throw json_mismatch(member.name, json_type_name<type>() + " has no JSON");
        }
    });
    return object;
}

template <class T>
boost::json::value write_map(const T& values)
{
    boost::json::object object;
    for (const auto& [name, member] : values) {
        object.emplace(name, to_json(member));
    }
    return object;
}

template <class T>
boost::json::value write_vector(const T& values)
{
    boost::json::array array;
    array.reserve(values.size());
    for (const auto& value : values) {
        array.push_back(to_json<typename T::value_type>(value));
    }
    return array;
}

} // namespace tradecore::pg::detail

template <class T>
boost::json::value tradecore::pg::to_json(const T& value)
{
    if constexpr (std::same_as<T, boost::json::value>) {
        return value;
    }
    else if constexpr (std::same_as<T, bool>) {
        return value;
    }
    else if constexpr (detail::is_json_integer<T>) {
        if constexpr (std::is_signed_v<T>) {
            return static_cast<std::int64_t>(value);
        }
        else {
            return static_cast<std::uint64_t>(value);
        }
    }
    else if constexpr (std::floating_point<T>) {
        return detail::json_of(static_cast<double>(value));
    }
    else if constexpr (
        std::same_as<T, tradecore::uuid> || std::same_as<T, tradecore::timestamptz> || std::same_as<T, numeric>) {
        return detail::json_of(value);
    }
    else if constexpr (std::convertible_to<const T&, std::string_view>) {
        return boost::json::string(std::string_view(value));
    }
    else if constexpr (labelled_enum<T>) {
        return detail::write_enum(value);
    }
    else if constexpr (detail::is_optional<T>) {
        return value ? to_json(*value) : boost::json::value(nullptr);
    }
    else if constexpr (detail::is_json_vector<T>) {
        return detail::write_vector(value);
    }
    else if constexpr (detail::is_json_map<T>) {
        return detail::write_map(value);
    }
    else if constexpr (described_struct<T>) {
        return detail::write_struct(value);
    }
    else {
        return boost::json::value_from(value);
    }
}

template <class T>
T tradecore::pg::from_json(const boost::json::value& value)
{
    if constexpr (std::same_as<T, boost::json::value>) {
        return value;
    }
    else if constexpr (std::same_as<T, bool>) {
        return detail::json_bool(value);
    }
    else if constexpr (detail::is_json_integer<T>) {
        return detail::json_integer<T>(value);
    }
    else if constexpr (std::floating_point<T>) {
        return static_cast<T>(detail::json_double(value));
    }
    else if constexpr (std::same_as<T, tradecore::uuid>) {
        return detail::json_uuid(value);
    }
    else if constexpr (std::same_as<T, tradecore::timestamptz>) {
        return detail::json_timestamptz(value);
    }
    else if constexpr (std::same_as<T, numeric>) {
        return detail::json_numeric(value);
    }
    else if constexpr (std::same_as<T, std::string>) {
        return std::string(detail::json_string(value));
    }
    else if constexpr (labelled_enum<T>) {
        return detail::read_enum<T>(detail::json_string(value));
    }
    else if constexpr (detail::is_optional<T>) {
        return value.is_null() ? T() : T(from_json<typename T::value_type>(value));
    }
    else if constexpr (detail::is_json_vector<T>) {
        return detail::read_vector<T>(detail::json_array(value));
    }
    else if constexpr (detail::is_json_map<T>) {
        return detail::read_map<T>(detail::json_object(value));
    }
    else if constexpr (described_struct<T>) {
        return detail::read_struct<T>(detail::json_object(value));
    }
    else {
        try {
            return boost::json::value_to<T>(value);
        }
        catch (const boost::system::system_error& failed) {
            throw json_mismatch("", failed.what());
        }
    }
}
