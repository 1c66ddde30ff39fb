// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/field_traits_basic.hpp>
#include <tradecore/pg/codec/field_traits_json.hpp>
#include <tradecore/pg/codec/record_reader.hpp>
#include <tradecore/pg/codec/views.hpp>
#include <tradecore/pg/enum_labels.hpp>
#include <tradecore/pg/type_names.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace tradecore::pg {

/// Enums with labels: from enum types, and from text, by label.
template <labelled_enum T>
struct field_traits<T> {
    static std::string name() { return json_type_name<T>(); }
    static bool accepts(const type_ref& type, wire_format format)
    {
        return type.kind() == type_kind::enumeration || field_traits<std::string_view>::accepts(type, format);
    }
    static T decode(const field& from)
    {
        const auto value = detail::value_of_label<T>(from.bytes());
        if (!value) {
            from.refuse(name(), "it has no value labelled \"" + std::string(from.bytes()) + "\"");
        }
        return *value;
    }
};

namespace detail {

/// @returns what is read from an attribute: a type with `field_traits`, or one that only JSON knows.
template <class T>
std::string attribute_cpp_name()
{
    if constexpr (decodable<T>) {
        return field_traits<T>::name();
    }
    else {
        return json_type_name<T>();
    }
}

template <class T>
bool accepts_attribute(const type_ref& type, wire_format format)
{
    using value = without_optional_t<T>;
    static_assert(!holds_view<value>, "the parts of a composite value do not outlive its reading: take a std::string");
    if constexpr (decodable<value>) {
        return field_traits<value>::accepts(type.base(), format);
    }
    else {
        return is_json_type(type.base());
    }
}

/// @returns why attributes of that type are no `T`; empty when they are.
template <class T>
std::string why_not_attribute(const type_ref& type, wire_format format, const std::string& which)
{
    using value = without_optional_t<T>;
    if (accepts_attribute<T>(type, format)) {
        return {};
    }
    std::string reason = "attribute " + which + " is of type " + type.base().describe() + ", which does not go into " +
                         attribute_cpp_name<value>();
    if constexpr (explains_refusal<value>) {
        const auto more = field_traits<value>::explain(type.base(), format);
        reason += more.empty() ? more : ": " + more;
    }
    return reason;
}

template <class T>
T decode_attribute(const field& from, bool checked)
{
    using value = without_optional_t<T>;
    if constexpr (decodable<value>) {
        return checked ? from.template decode<T>() : from.template as<T>();
    }
    else {
        const auto cpp_type = json_type_name<value>();
        if (!is_json_type(from.type())) {
            from.refuse(cpp_type, "only JSON goes into it");
        }
        if (from.is_null()) {
            if constexpr (is_optional<T>) {
                return std::nullopt;
            }
            from.refuse(cpp_type, "it is NULL; take a std::optional");
        }
        try {
            return from_json<value>(parse_json_field(from, cpp_type));
        }
        catch (const json_mismatch& mismatch) {
            from.refuse(cpp_type, mismatch.what());
        }
    }
}

/// Reads an attribute; errors say which one it was.
template <class T>
T read_attribute(record_reader& reader)
{
    const field from = reader.next();
    try {
        return decode_attribute<T>(from, reader.as_expected());
    }
    catch (const type_error& error) {
        reader.refuse_attribute(error.what());
    }
}

/// Whether a type has attributes, known or not before a value has come.
inline bool is_record(const type_ref& type) noexcept
{
    return type == oids::record || type.kind() == type_kind::composite;
}

/// Composite values to the members of a described struct.
template <class T>
class struct_reader {
public:
    [[nodiscard]] static std::string why_not(const type_ref& type, wire_format format)
    {
        std::string reason;
        boost::mp11::mp_for_each<members>([&](auto member) {
            if (!reason.empty()) {
                return;
            }
            const auto attribute = attribute_type(type, member.name);
            const auto which = "\"" + std::string(member.name) + "\"";
            reason = attribute == 0 ? "it has no attribute " + which
                                    : why_not_attribute<member_type<decltype(member)>>(attribute, format, which);
        });
        return reason;
    }

    [[nodiscard]] static bool accepts(const type_ref& type, wire_format format)
    {
        bool all = true;
        boost::mp11::mp_for_each<members>([&](auto member) {
            if (all) {
                const auto attribute = attribute_type(type, member.name);
                all = attribute != 0 && accepts_attribute<member_type<decltype(member)>>(attribute, format);
            }
        });
        return all;
    }

    [[nodiscard]] static T read(const field& from, std::string_view cpp_type)
    {
        record_reader reader(from, cpp_type);
        T value{};
        if (from.type() == oids::record) {
            reader.require_size(count);
            boost::mp11::mp_for_each<members>(
                [&](auto member) { value.*member.pointer = read_attribute<member_type<decltype(member)>>(reader); });
        }
        else {
            read_by_name(from, cpp_type, reader, value);
        }
        reader.finish();
        return value;
    }

private:
    using members = json_members<T>;
    static constexpr std::size_t count = boost::mp11::mp_size<members>::value;
    template <class Member>
    using member_type = std::remove_cvref_t<decltype(std::declval<T&>().*Member::pointer)>;

    struct entry {
        std::string_view name;
        void (*read)(T&, record_reader&);
    };

    template <class... Member>
    static constexpr std::array<entry, count> entries_of(boost::mp11::mp_list<Member...>)
    {
        return {entry{Member::name, [](T& to, record_reader& reader) {
                          to.*Member::pointer = read_attribute<member_type<Member>>(reader);
                      }}...};
    }

    // Members mostly stand in the order of the attributes.
    static std::size_t find(const std::array<entry, count>& entries, std::string_view name, std::size_t guess)
    {
        if (guess < count && entries[guess].name == name) {
            return guess;
        }
        std::size_t i = 0;
        while (i < count && entries[i].name != name) {
            ++i;
        }
        return i;
    }

    static void read_by_name(const field& from, std::string_view cpp_type, record_reader& reader, T& value)
    {
        static constexpr auto entries = entries_of(boost::mp11::mp_rename<members, boost::mp11::mp_list>{});
        std::array<bool, count> read{};
        for (std::size_t i = 0; i < reader.size(); ++i) {
            const auto found = find(entries, reader.name(i), i);
            if (found < count) {
                entries[found].read(value, reader);
                read[found] = true;
            }
            else {
                (void)reader.next();
            }
        }
        for (std::size_t i = 0; i < count; ++i) {
            if (!read[i]) {
                from.refuse(cpp_type, "the value has no attribute \"" + std::string(entries[i].name) + "\"");
            }
        }
    }
};

/// Composite values to something like a tuple, by position.
template <class Tuple>
struct tuple_reader {
    static constexpr std::size_t count = std::tuple_size_v<Tuple>;

    [[nodiscard]] static std::string why_not(const type_ref& type, wire_format format)
    {
        const auto attributes = type.attributes();
        if (attributes.size() != count) {
            return "it has " + std::to_string(attributes.size()) + " attributes";
        }
        std::string reason;
        boost::mp11::mp_for_each<boost::mp11::mp_iota_c<count>>([&](auto index) {
            if (reason.empty()) {
                const type_ref attribute(attributes[index].type, type.known());
                reason = why_not_attribute<std::tuple_element_t<index, Tuple>>(
                    attribute, format, "\"" + attributes[index].name + "\"");
            }
        });
        return reason;
    }

    [[nodiscard]] static bool accepts(const type_ref& type, wire_format format)
    {
        return type == oids::record || (type.kind() == type_kind::composite && why_not(type, format).empty());
    }

    [[nodiscard]] static Tuple read(const field& from, std::string_view cpp_type)
    {
        record_reader reader(from, cpp_type);
        reader.require_size(count);
        auto values = read(reader, std::make_index_sequence<count>{});
        reader.finish();
        return values;
    }

private:
    template <std::size_t... I>
    static Tuple read([[maybe_unused]] record_reader& reader, std::index_sequence<I...>)
    {
        // Braces: from left to right.
        return Tuple{read_attribute<std::tuple_element_t<I, Tuple>>(reader)...};
    }
};

} // namespace detail

/// A described struct: from a composite type by the names of its attributes, of which it may have more; from an
/// anonymous record by position; from a JSON object in json or jsonb. The server's type decides.
template <described_struct T>
struct field_traits<T> {
    static std::string name() { return json_type_name<T>(); }
    static bool accepts(const type_ref& type, wire_format format)
    {
        return detail::is_json_type(type) || type == oids::record ||
               (type.kind() == type_kind::composite && detail::struct_reader<T>::accepts(type, format));
    }
    static std::string explain(const type_ref& type, wire_format format)
    {
        return type.kind() == type_kind::composite ? detail::struct_reader<T>::why_not(type, format) : std::string();
    }
    static T decode(const field& from)
    {
        const auto cpp_type = name();
        if (detail::is_record(from.sql_type())) {
            return detail::struct_reader<T>::read(from, cpp_type);
        }
        const auto parsed = detail::parse_json_field(from, cpp_type);
        try {
            return from_json<T>(parsed);
        }
        catch (const json_mismatch& mismatch) {
            from.refuse(cpp_type, mismatch.what());
        }
    }
};

/// Tuples and pairs: from composite types and anonymous records, by position.
template <class... M>
struct field_traits<std::tuple<M...>> {
    static std::string name() { return json_type_name<std::tuple<M...>>(); }
    static bool accepts(const type_ref& type, wire_format format)
    {
        return detail::tuple_reader<std::tuple<M...>>::accepts(type, format);
    }
    static std::string explain(const type_ref& type, wire_format format)
    {
        return type.kind() == type_kind::composite ? detail::tuple_reader<std::tuple<M...>>::why_not(type, format)
                                                   : std::string();
    }
    static std::tuple<M...> decode(const field& from)
    {
        return detail::tuple_reader<std::tuple<M...>>::read(from, name());
    }
};
template <class A, class B>
struct field_traits<std::pair<A, B>> {
    static std::string name() { return json_type_name<std::pair<A, B>>(); }
    static bool accepts(const type_ref& type, wire_format format)
    {
        return detail::tuple_reader<std::pair<A, B>>::accepts(type, format);
    }
    static std::string explain(const type_ref& type, wire_format format)
    {
        return type.kind() == type_kind::composite ? detail::tuple_reader<std::pair<A, B>>::why_not(type, format)
                                                   : std::string();
    }
    static std::pair<A, B> decode(const field& from)
    {
        return detail::tuple_reader<std::pair<A, B>>::read(from, name());
    }
};

} // namespace tradecore::pg
