// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "harness/require.hpp"
#include "harness/values.hpp"

#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/error.hpp>
#include <tradecore/pg/parameters.hpp>

#include <optional>
#include <string>
#include <type_traits>

namespace tradecore::fuzz {

/// A value as it goes to the server: format and bytes; nothing when it cannot go there.
struct sent {
    pg::wire_format format;
    std::string bytes;
    bool operator==(const sent&) const = default;
};

template <class T>
std::optional<sent> send(const T& value, const pg::type_ref& type)
{
    constexpr std::size_t length = 4;
    try {
        const auto arguments = pg::parameters::encode(value);
        (void)arguments.describe(100);
        std::string bytes;
        const auto format = arguments.write_value(bytes, 0, type);
        require(
            bytes.size() >= length &&
                pg::detail::load<std::int32_t>(bytes) == static_cast<std::int32_t>(bytes.size() - length),
            "a value is as long as it says");
        return sent{format, bytes.substr(length)};
    }
    catch (const pg::argument_error&) { // not every value that is read fits every type it may be read from
        return std::nullopt;
    }
}

template <class T>
std::optional<T> receive(const pg::column& of, std::string_view bytes)
{
    // Without a byte behind it, so that reading past the end is seen.
    const auto owned = std::make_unique<char[]>(bytes.size());
    bytes.copy(owned.get(), bytes.size());
    const pg::field from(of, owned.get(), static_cast<std::int32_t>(bytes.size()));
    try {
        if constexpr (std::is_same_v<T, std::string_view>) {
            (void)from.as<T>();
            return std::nullopt;
        }
        else {
            return from.as<T>();
        }
    }
    catch (const pg::type_error& refused) {
        require(!std::string_view(refused.what()).empty(), "a refusal says why");
        return std::nullopt;
    }
}

template <class T>
concept can_be_sent = requires(const T& value) { pg::parameters::encode(value); };

/// Says what was read as what.
[[noreturn]] void fail_value(std::string_view what, const pg::column& of, std::string_view bytes, const sent& once);

template <class T>
void read_back(const pg::column& of, std::string_view bytes)
{
    const auto first = receive<T>(of, bytes);
    if constexpr (can_be_sent<T> && !std::is_same_v<T, std::string_view>) {
        const pg::type_ref type(of.type, of.known.get());
        // The bytes of a type that nobody knows are read as they are; bytes that are sent are always bytea.
        if (!first || (std::is_same_v<T, std::vector<std::byte>> && !type.is_built_in()))
            return;
        const auto once = send(*first, type);
        if (!once)
            return;
        auto column = of;
        column.format = once->format;
        if (!pg::field_traits<T>::accepts(type, once->format))
            return;
        const auto second = receive<T>(column, once->bytes);
        if (!second)
            fail_value("what is sent can be read", of, bytes, *once);
        // Bytes are compared, for not-a-number equals nothing.
        if (send(*second, type) != once)
            fail_value("what is sent and read is sent as before", of, bytes, *once);
    }
}

template <class T>
reader reader_of(std::string_view name)
{
    return {
        name,
        [](const pg::type_ref& type, pg::wire_format format) { return pg::field_traits<T>::accepts(type, format); },
        read_back<T>};
}

// The parts of the table, each in a file of its own.
void add_scalars(std::vector<reader>& to);
void add_values(std::vector<reader>& to);
void add_containers(std::vector<reader>& to);
void add_structures(std::vector<reader>& to);

} // namespace tradecore::fuzz
