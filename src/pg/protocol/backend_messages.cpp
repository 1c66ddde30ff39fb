// SPDX-License-Identifier: Apache-2.0
#include "pg/protocol/backend_messages.hpp"

#include "pg/protocol/payload_reader.hpp"

#include <tradecore/pg/byte_order.hpp>

#include <cstddef>
#include <string>

namespace tradecore::pg::protocol {

namespace {

constexpr std::size_t parameter_bytes = 4;
// A column is at least its name's NUL and 18 bytes of numbers.
constexpr std::size_t least_column_bytes = 19;

std::string* text_field(diagnostics& into, char type)
{
    switch (type) {
    case 'M':
        return &into.message;
    case 'D':
        return &into.detail;
    case 'H':
        return &into.hint;
    case 'P':
        return &into.position;
    case 'p':
        return &into.internal_position;
    case 'q':
        return &into.internal_query;
    case 'W':
        return &into.where;
    case 's':
        return &into.schema;
    case 't':
        return &into.table;
    case 'c':
        return &into.column;
    case 'd':
        return &into.data_type;
    case 'n':
        return &into.constraint;
    case 'F':
        return &into.file;
    case 'L':
        return &into.line;
    case 'R':
        return &into.routine;
    default:
        return nullptr;
    }
}

} // namespace

std::optional<authentication_request> read_authentication(std::string_view payload)
{
    payload_reader in(payload);
    authentication_request request{static_cast<authentication>(in.i32()), in.rest()};
    if (!in.ok())
        return std::nullopt;
    return request;
}

std::optional<parameter_status> read_parameter_status(std::string_view payload)
{
    payload_reader in(payload);
    const auto name = in.c_string();
    const auto value = in.c_string();
    if (!in.complete())
        return std::nullopt;
    return parameter_status{name, value};
}

std::optional<backend_key> read_backend_key(std::string_view payload)
{
    payload_reader in(payload);
    const auto pid = in.i32();
    const auto secret = in.i32();
    if (!in.complete())
        return std::nullopt;
    return backend_key{pid, secret};
}

std::optional<char> read_ready_for_query(std::string_view payload)
{
    if (payload.size() != 1)
        return std::nullopt;
    const char status = payload[0];
    return status == 'I' || status == 'T' || status == 'E' ? std::optional(status) : std::nullopt;
}

std::optional<diagnostics> read_diagnostics(std::string_view payload)
{
    payload_reader in(payload);
    diagnostics found;
    for (;;) {
        const auto type = static_cast<char>(in.u8());
        if (type == '\0')
            break;
        const auto value = in.c_string();
        if (!in.ok())
            return std::nullopt;
        if (type == 'C') {
            const auto code = sqlstate::parse(value);
            if (!code)
                return std::nullopt;
            found.code = *code;
        }
        else if (type == 'V' || (type == 'S' && found.severity.empty())) {
            found.severity = value; // 'V' is never translated and wins over 'S'
        }
        else if (auto* text = text_field(found, type)) {
            *text = value;
        }
    }
    if (!in.complete())
        return std::nullopt;
    return found;
}

std::optional<std::vector<oid>> read_parameter_description(std::string_view payload)
{
    payload_reader in(payload);
    // The protocol counts in an unsigned 16-bit number, up to 65,535 parameters. The server prepares statements that
    // take more, and its count begins again at 0.
    const auto told = static_cast<std::uint16_t>(in.i16());
    if (payload.size() % parameter_bytes != sizeof(told))
        return std::nullopt;
    const auto count = (payload.size() - sizeof(told)) / parameter_bytes;
    if (static_cast<std::uint16_t>(count) != told)
        return std::nullopt;
    std::vector<oid> types(count);
    for (auto& type : types)
        type = in.u32();
    if (!in.complete())
        return std::nullopt;
    return types;
}

std::optional<row_description> read_row_description(std::string_view payload)
{
    payload_reader in(payload);
    const auto count = static_cast<std::uint16_t>(in.i16());
    if (payload.size() < count * least_column_bytes)
        return std::nullopt;
    row_description columns(count);
    for (auto& column : columns) {
        column.name = in.c_string();
        (void)in.u32(); // table
        (void)in.i16(); // attribute number
        column.type = in.u32();
        (void)in.i16(); // size
        column.type_modifier = in.i32();
        const auto format = in.i16();
        if (format != 0 && format != 1)
            return std::nullopt;
        column.format = static_cast<wire_format>(format);
    }
    if (!in.complete())
        return std::nullopt;
    return columns;
}

void set_formats(std::string& row_description, std::span<const std::int16_t> formats)
{
    std::size_t at = sizeof(std::int16_t);
    for (const auto format : formats) {
        at = row_description.find('\0', at) + least_column_bytes; // a name's NUL and the numbers behind it
        detail::store(row_description.data() + at - sizeof(format), format);
    }
}

std::optional<std::string_view> read_command_tag(std::string_view payload)
{
    // One NUL, and that at the end.
    if (payload.empty() || payload.find('\0') != payload.size() - 1)
        return std::nullopt;
    return payload.substr(0, payload.size() - 1);
}

std::optional<copy_format> read_copy_format(std::string_view payload)
{
    payload_reader in(payload);
    const auto overall = in.u8();
    const auto count = static_cast<std::uint16_t>(in.i16());
    if (overall > 1 || payload.size() != 1 + sizeof(std::int16_t) * (std::size_t{count} + 1))
        return std::nullopt;
    // In text every column is text; in binary this says nothing new either (PostgreSQL documentation, "COPY").
    for (std::size_t i = 0; i < count; ++i) {
        if (in.i16() != overall)
            return std::nullopt;
    }
    if (!in.complete())
        return std::nullopt;
    return copy_format{overall == 1, count};
}

std::optional<notification_message> read_notification(std::string_view payload)
{
    payload_reader in(payload);
    notification_message found{};
    found.pid = in.i32();
    found.channel = in.c_string();
    found.payload = in.c_string();
    if (!in.complete())
        return std::nullopt;
    return found;
}

} // namespace tradecore::pg::protocol
