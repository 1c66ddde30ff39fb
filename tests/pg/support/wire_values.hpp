// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/result.hpp>
#include <tradecore/pg/type_names.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tradecore::pg::test {

/// @returns the bytes of hexadecimal digits; blanks between them are skipped.
inline std::string from_hex(std::string_view hex)
{
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    std::string bytes;
    std::string digits;
    for (const char c : hex) {
        if (c != ' ') {
            digits += c;
        }
    }
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        bytes += static_cast<char>(digit(digits[i]) * 16 + digit(digits[i + 1]));
    }
    return bytes;
}

inline std::string to_hex(std::string_view bytes)
{
    std::string hex;
    for (const char c : bytes) {
        hex += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
        hex += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
    }
    return hex;
}

/// A value of a DataRow; nothing is NULL.
using wire_value = std::optional<std::string>;

template <class T>
wire_value big_endian(T value)
{
    std::string bytes;
    detail::append(bytes, value);
    return bytes;
}

/// @returns the payload of a DataRow message.
inline std::string data_row(const std::vector<wire_value>& values)
{
    std::string payload;
    detail::append(payload, static_cast<std::uint16_t>(values.size()));
    for (const auto& value : values) {
        detail::append(payload, value ? static_cast<std::int32_t>(value->size()) : -1);
        payload += value.value_or("");
    }
    return payload;
}

inline result make_result(row_description columns, const std::vector<std::vector<wire_value>>& rows)
{
    result made;
    made.describe(std::make_shared<const row_description>(std::move(columns)));
    for (const auto& row : rows) {
        if (!made.append_row(data_row(row))) {
            throw std::logic_error("the test's row does not fit its columns");
        }
    }
    made.finish("SELECT " + std::to_string(rows.size()));
    return made;
}

/// Reads one value as a `T`.
template <class T>
T read_as(oid type, const wire_value& value, wire_format format = wire_format::binary)
{
    const auto rows = make_result({{"v", type, -1, format}}, {{value}});
    return rows[0][0].as<T>();
}

/// @returns the message of the exception of type `Error` that `action` throws, or "(nothing thrown)".
template <class Error, class Action>
std::string message_of(Action action)
{
    try {
        action();
    }
    catch (const Error& error) {
        return error.what();
    }
    return "(nothing thrown)";
}

} // namespace tradecore::pg::test
