// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/bind_conversion.hpp"
#include "pg/codec/log_text.hpp"

#include <tradecore/pg/parameters.hpp>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace tradecore::pg {

namespace {

constexpr auto max_bytes = parameter_writer::max_bytes;

// Cuts a string back to what it was unless told that all went well.
class rollback {
public:
    explicit rollback(std::string& text) noexcept : text_(&text), size_(text.size()) {}
    rollback(const rollback&) = delete;
    rollback& operator=(const rollback&) = delete;
    ~rollback()
    {
        if (text_ != nullptr) {
            text_->resize(size_);
        }
    }
    void commit() noexcept { text_ = nullptr; }

private:
    std::string* text_;
    std::size_t size_;
};

bool is_bare(oid type) noexcept
{
    switch (type) {
    case oids::bool_:
    case oids::int2:
    case oids::int4:
    case oids::int8:
    case oids::float4:
    case oids::float8:
    case oids::numeric:
        return true;
    default:
        return false;
    }
}

// Quoted as in SQL; what would break a log's line is escaped.
void append_quoted(std::string& to, std::string_view text)
{
    constexpr std::string_view hex = "0123456789abcdef";
    to += '\'';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\'') {
            to += "''";
        }
        else if (c == '\n') {
            to += "\\n";
        }
        else if (byte < 0x20 || byte == 0x7f) {
            to += "\\x";
            to += hex[byte >> 4];
            to += hex[byte & 15];
        }
        else {
            to += c;
        }
    }
    to += '\'';
}

// Cuts before a character of UTF-8, not within it.
void cut(std::string& text, std::size_t length)
{
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) {
        --length;
    }
    text.resize(length);
    text += "…";
}

} // namespace

void parameter_writer::append_text(std::string_view text)
{
    if (text.find('\0') != std::string_view::npos) {
        refuse("the text contains NUL, which PostgreSQL cannot store; pass bytes");
    }
    append(text);
}

void parameter_writer::refuse_size() const
{
    refuse("the arguments take more than 1 GiB");
}

void parameter_writer::refuse(const std::string& reason) const
{
    throw argument_error("argument $" + std::to_string(position_) + ": " + reason);
}

void parameter_writer::refuse_ragged(
    std::span<const std::int32_t> path, std::int32_t size, std::int32_t size_of_first) const
{
    std::string where = "element ";
    std::string first = "element ";
    for (const auto index : path) {
        where += "[" + std::to_string(index) + "]";
        first += "[0]";
    }
    refuse(
        where + " has " + std::to_string(size) + " elements where " + first + " has " + std::to_string(size_of_first) +
        ": arrays of SQL are rectangular");
}

void parameter_writer::refuse_dimensions(std::size_t count) const
{
    refuse("the array's dimensions do not hold its " + std::to_string(count) + " elements");
}

namespace {

// With a list instead of recursion: a caller's value may be nested to any depth.
bool has_only_finite_numbers(const boost::json::value& whole)
{
    std::vector<const boost::json::value*> left{&whole};
    while (!left.empty()) {
        const auto& value = *left.back();
        left.pop_back();
        if (const auto* number = value.if_double(); number != nullptr && !std::isfinite(*number)) {
            return false;
        }
        if (const auto* array = value.if_array()) {
            for (const auto& element : *array) {
                left.push_back(&element);
            }
        }
        if (const auto* object = value.if_object()) {
            for (const auto& member : *object) {
                left.push_back(&member.value());
            }
        }
    }
    return true;
}

} // namespace

std::string detail::json_text(const boost::json::value& value)
{
    if (!has_only_finite_numbers(value)) {
        throw json_mismatch("", "a number is infinite or none, which JSON cannot say");
    }
    return boost::json::serialize(value);
}

void detail::append_json(const boost::json::value& value, parameter_writer& to)
{
    std::string text;
    try {
        text = json_text(value);
    }
    catch (const json_mismatch& mismatch) {
        to.refuse(mismatch.what());
    }
    // Serialized strings escape NUL, and jsonb refuses it in that form, too.
    for (auto at = text.find("\\u0000"); at != std::string::npos; at = text.find("\\u0000", at + 1)) {
        const auto before = text.find_last_not_of('\\', at);
        const auto backslashes = at - (before == std::string::npos ? 0 : before + 1);
        if (backslashes % 2 == 0) {
            to.refuse("a JSON string contains NUL, which PostgreSQL cannot store");
        }
    }
    to.append(text);
}

void parameters::write_bind(std::string& out, std::span<const oid> server_types, const type_set* known) const
{
    if (slots_.size() != server_types.size()) {
        throw argument_error(
            "the statement takes " + std::to_string(server_types.size()) + " arguments, " +
            std::to_string(slots_.size()) + " were given");
    }
    if (slots_.size() > 65'535) {
        throw argument_error("the protocol carries 65535 arguments at most, not " + std::to_string(slots_.size()));
    }
    const auto begin = out.size();
    const auto count = static_cast<std::uint16_t>(slots_.size());
    const auto as_it_is = [](const slot& argument, oid type) {
        return argument.length < 0 || detail::goes_as_it_is(argument.type, type);
    };
    if (buffer_.size() < max_bytes / 2 && std::ranges::equal(slots_, server_types, as_it_is)) {
        // As most calls are. Knowing how long it gets, and writing there, takes a third of the instructions.
        out.resize(begin + 2 * sizeof(count) + slots_.size() * 6 + buffer_.size());
        char* to = out.data() + begin;
        const auto put = [&to](auto value) {
            detail::store(to, value);
            to += sizeof(value);
        };
        put(count);
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            put(static_cast<std::int16_t>(wire_format::binary));
        }
        put(count);
        for (const auto& argument : slots_) {
            put(argument.length);
            if (argument.length > 0) {
                std::memcpy(to, buffer_.data() + argument.offset, static_cast<std::size_t>(argument.length));
                to += argument.length;
            }
        }
        out.resize(static_cast<std::size_t>(to - out.data())); // one that was refused may have left bytes behind
        return;
    }
    rollback guard(out);
    detail::append(out, count);
    const auto formats_at = out.size();
    out.append(slots_.size() * 2, '\0');
    detail::append(out, count);
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        const auto format = write_value(out, i, type_ref(server_types[i], known));
        if (out.size() - begin > max_bytes) {
            throw argument_error("argument $" + std::to_string(i + 1) + ": the arguments take more than 1 GiB");
        }
        detail::store(out.data() + formats_at + i * 2, static_cast<std::int16_t>(format));
    }
    guard.commit();
}

wire_format parameters::write_value(std::string& out, std::size_t index, type_ref server_type) const
{
    const auto& slot = slots_[index];
    const auto length_at = out.size();
    detail::append(out, std::int32_t{-1});
    if (slot.length < 0) {
        return wire_format::binary;
    }
    try {
        const std::string_view bytes(buffer_.data() + slot.offset, static_cast<std::size_t>(slot.length));
        if (detail::goes_as_it_is(slot.type, server_type)) {
            detail::store(out.data() + length_at, slot.length);
            out += bytes;
            return wire_format::binary;
        }
        const auto format = detail::append_converted(out, {index + 1, slot.type, bytes}, server_type);
        detail::store(out.data() + length_at, static_cast<std::int32_t>(out.size() - length_at - 4));
        return format;
    }
    catch (...) {
        out.resize(length_at);
        throw;
    }
}

std::string parameters::describe(std::size_t max_length) const
{
    std::string text;
    for (const auto& slot : slots_) {
        if (!text.empty()) {
            text += ", ";
        }
        if (slot.length < 0) {
            text += "NULL";
        }
        else {
            std::string value;
            const std::string_view bytes(buffer_.data() + slot.offset, static_cast<std::size_t>(slot.length));
            detail::append_log_text(value, {0, slot.type, bytes}, max_length + 1);
            if (is_bare(slot.type)) {
                text += value;
            }
            else {
                append_quoted(text, value);
            }
        }
        if (text.size() > max_length) {
            cut(text, max_length);
            break;
        }
    }
    return text;
}

} // namespace tradecore::pg
