// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/codec.hpp"

#include <boost/json.hpp>
#include <boost/mp11.hpp>
#include <fmt/format.h>

#include <type_traits>

/// The codec of described structs, for the two source files that instantiate it.
namespace tradecore::app::domain::codec_detail {

/// What: the way from the event to the value at hand, kept on the stack and written out only for an error.
struct place {
    const place* outer = nullptr;
    std::string_view name; ///< the event's type at the outermost place, else a field
    std::ptrdiff_t index = -1;

    std::string field() const
    {
        if (outer == nullptr)
            return {};
        if (index >= 0)
            return fmt::format("{}[{}]", outer->field(), index);
        const std::string before = outer->field();
        return before.empty() ? std::string{name} : before + "." + std::string{name};
    }

    const place& root() const { return outer == nullptr ? *this : outer->root(); }

    [[noreturn]] void fail(std::string_view reason) const
    {
        const std::string path = field();
        throw decode_error(
            path.empty() ? fmt::format("{}: {}", root().name, reason)
                         : fmt::format("{}: field \"{}\" {}", root().name, path, reason));
    }
};

template <class T>
using members_of = boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;

template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};

template <class T>
struct is_vector : std::false_type {};
template <class T>
struct is_vector<std::vector<T>> : std::true_type {};

template <class T>
struct is_fixed : std::false_type {};
template <class Tag>
struct is_fixed<fixed<Tag>> : std::true_type {};

template <class T>
boost::json::value write(const T& value)
{
    if constexpr (is_fixed<T>::value) {
        return boost::json::string(value.text());
    }
    else if constexpr (std::is_same_v<T, uuid> || std::is_same_v<T, timestamp>) {
        return boost::json::string(to_text(value));
    }
    else if constexpr (std::is_same_v<T, std::string>) {
        return boost::json::string(value);
    }
    else if constexpr (std::is_same_v<T, std::int64_t>) {
        return value;
    }
    else if constexpr (std::is_enum_v<T>) {
        return boost::json::string(boost::describe::enum_to_string(value, "?"));
    }
    else if constexpr (is_optional<T>::value) {
        return value ? write(*value) : boost::json::value(nullptr);
    }
    else if constexpr (is_vector<T>::value) {
        boost::json::array out;
        out.reserve(value.size());
        for (const auto& item : value)
            out.push_back(write(item));
        return out;
    }
    else {
        boost::json::object out;
        out.reserve(boost::mp11::mp_size<members_of<T>>::value);
        boost::mp11::mp_for_each<members_of<T>>(
            [&](auto member) { out.emplace(member.name, write(value.*member.pointer)); });
        return out;
    }
}

inline std::string_view text_of(const boost::json::value& json, const place& at)
{
    if (const auto* text = json.if_string())
        return {text->data(), text->size()};
    at.fail("is not a text");
}

template <class T>
T read(const boost::json::value& json, const place& at)
{
    if constexpr (is_fixed<T>::value) {
        const std::string_view text = text_of(json, at);
        try {
            return T::parse(text);
        }
        catch (const amount_error& error) {
            at.fail(error.what());
        }
    }
    else if constexpr (std::is_same_v<T, uuid>) {
        const auto id = parse_uuid(text_of(json, at));
        if (!id)
            at.fail("is not a UUID");
        return *id;
    }
    else if constexpr (std::is_same_v<T, timestamp>) {
        const std::string_view text = text_of(json, at);
        try {
            return parse_timestamp(text);
        }
        catch (const timestamp_syntax& error) {
            at.fail(fmt::format("is not a time: {}", error.what()));
        }
    }
    else if constexpr (std::is_same_v<T, std::string>) {
        return std::string{text_of(json, at)};
    }
    else if constexpr (std::is_same_v<T, std::int64_t>) {
        boost::json::error_code error;
        const auto number = json.to_number<std::int64_t>(error);
        if (error)
            at.fail("is not a whole number of 64 bits");
        return number;
    }
    else if constexpr (std::is_enum_v<T>) {
        const std::string_view text = text_of(json, at);
        T value{};
        if (!boost::describe::enum_from_string(std::string{text}.c_str(), value))
            at.fail(fmt::format("has no value \"{}\"", text));
        return value;
    }
    else if constexpr (is_optional<T>::value) {
        if (json.is_null())
            return std::nullopt;
        return read<typename T::value_type>(json, at);
    }
    else if constexpr (is_vector<T>::value) {
        const auto* items = json.if_array();
        if (items == nullptr)
            at.fail("is not an array");
        T out;
        out.reserve(items->size());
        for (std::size_t i = 0; i < items->size(); ++i)
            out.push_back(read<typename T::value_type>((*items)[i], place{&at, {}, static_cast<std::ptrdiff_t>(i)}));
        return out;
    }
    else {
        const auto* fields = json.if_object();
        if (fields == nullptr)
            at.fail("is not an object");
        T out;
        boost::mp11::mp_for_each<members_of<T>>([&](auto member) {
            using field_type = std::remove_cvref_t<decltype(out.*member.pointer)>;
            const place here{&at, member.name};
            const auto* found = fields->if_contains(member.name);
            if (found != nullptr)
                out.*member.pointer = read<field_type>(*found, here);
            else if (!is_optional<field_type>::value)
                here.fail("is missing");
        });
        return out;
    }
}

template <class Event>
encoded_event encode_as(const Event& happened)
{
    return std::visit(
        [](const auto& item) {
            using item_type = std::remove_cvref_t<decltype(item)>;
            return encoded_event{item_type::event_type, item_type::schema_version, write(item)};
        },
        happened);
}

template <class Event>
Event decode_as(std::string_view type, int schema_version, const boost::json::value& data)
{
    std::optional<Event> found;
    boost::mp11::mp_for_each<boost::mp11::mp_transform<std::type_identity, Event>>([&](auto candidate) {
        using item_type = typename decltype(candidate)::type;
        if (found || type != item_type::event_type)
            return;
        const place root{nullptr, item_type::event_type};
        if (schema_version != item_type::schema_version)
            root.fail(
                fmt::format("schema version {} is unknown, known is {}", schema_version, item_type::schema_version));
        found = read<item_type>(data, root);
    });
    if (!found)
        throw decode_error(fmt::format("unknown event type \"{}\"", type));
    return *std::move(found);
}

} // namespace tradecore::app::domain::codec_detail
