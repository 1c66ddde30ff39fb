// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

/// Writes the messages of a server, for scripts.
namespace tradecore::test::backend {

inline std::string i16(int value)
{
    return {static_cast<char>(value >> 8), static_cast<char>(value)};
}

inline std::string i32(std::int64_t value)
{
    const auto bits = static_cast<std::uint32_t>(value);
    return {
        static_cast<char>(bits >> 24U), static_cast<char>(bits >> 16U), static_cast<char>(bits >> 8U),
        static_cast<char>(bits)};
}

inline std::string c_string(std::string_view text)
{
    return std::string(text) + '\0';
}

/// A whole message: type, length, payload.
inline std::string message(char type, std::string_view payload)
{
    return type + i32(static_cast<std::int64_t>(payload.size()) + 4) + std::string(payload);
}

inline std::string authentication(int method, std::string_view data = {})
{
    return message('R', i32(method) + std::string(data));
}
inline std::string authentication_ok()
{
    return authentication(0);
}
inline std::string key(int pid, int secret)
{
    return message('K', i32(pid) + i32(secret));
}
inline std::string status(std::string_view name, std::string_view value)
{
    return message('S', c_string(name) + c_string(value));
}
inline std::string ready(char status = 'I')
{
    return message('Z', std::string(1, status));
}
inline std::string parse_complete()
{
    return message('1', {});
}
inline std::string bind_complete()
{
    return message('2', {});
}
inline std::string no_data()
{
    return message('n', {});
}
inline std::string complete(std::string_view tag)
{
    return message('C', c_string(tag));
}

inline std::string diagnostics(char type, std::string_view severity, std::string_view code, std::string_view text)
{
    return message(
        type, "S" + c_string(severity) + "V" + c_string(severity) + "C" + c_string(code) + "M" + c_string(text) + '\0');
}
inline std::string error(std::string_view code, std::string_view text, std::string_view severity = "ERROR")
{
    return diagnostics('E', severity, code, text);
}
inline std::string notice(std::string_view code, std::string_view text)
{
    return diagnostics('N', "NOTICE", code, text);
}

inline std::string parameters(std::initializer_list<int> types)
{
    std::string payload = i16(static_cast<int>(types.size()));
    for (const int type : types)
        payload += i32(type);
    return message('t', payload);
}

/// Columns as (name, type), all in binary.
inline std::string columns(std::initializer_list<std::pair<std::string_view, int>> described, int format = 1)
{
    std::string payload = i16(static_cast<int>(described.size()));
    for (const auto& [name, type] : described)
        payload += c_string(name) + i32(0) + i16(0) + i32(type) + i16(-1) + i32(-1) + i16(format);
    return message('T', payload);
}

/// A row of fields that are not null.
inline std::string row(std::initializer_list<std::string> fields)
{
    std::string payload = i16(static_cast<int>(fields.size()));
    for (const auto& field : fields)
        payload += i32(static_cast<std::int64_t>(field.size())) + field;
    return message('D', payload);
}

} // namespace tradecore::test::backend
