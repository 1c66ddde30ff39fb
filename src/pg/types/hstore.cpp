// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/quoted_part.hpp"
#include "pg/codec/text_scanner.hpp"

#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/types/hstore.hpp>

#include <cstdint>
#include <utility>

namespace tradecore::pg {

namespace {

bool read_quoted(detail::text_scanner& from, std::string& text)
{
    if (!from.skip('"')) {
        return false;
    }
    while (!from.skip('"')) {
        (void)from.skip('\\');
        if (from.done()) {
            return false;
        }
        text += from.peek();
        (void)from.skip(from.peek());
    }
    return true;
}

bool read_pair(detail::text_scanner& from, hstore& into)
{
    std::string key;
    if (!read_quoted(from, key) || !from.skip("=>")) {
        return false;
    }
    auto& value = into[std::move(key)];
    return from.skip("NULL") || read_quoted(from, value.emplace());
}

// A length and so many bytes.
bool take_part(std::string_view& rest, std::int32_t& length, std::string_view& part) noexcept
{
    if (rest.size() < 4) {
        return false;
    }
    length = detail::load<std::int32_t>(rest);
    rest.remove_prefix(4);
    if (length < 0) {
        return length == -1;
    }
    if (static_cast<std::size_t>(length) > rest.size()) {
        return false;
    }
    part = rest.substr(0, static_cast<std::size_t>(length));
    rest.remove_prefix(part.size());
    return true;
}

} // namespace

std::string to_string(const hstore& value)
{
    std::string text;
    for (const auto& [key, item] : value) {
        text += text.empty() ? "" : ", ";
        detail::append_quoted_part(text, key);
        text += "=>";
        if (item) {
            detail::append_quoted_part(text, *item);
        }
        else {
            text += "NULL";
        }
    }
    return text;
}

std::optional<hstore> parse_hstore(std::string_view text)
{
    detail::text_scanner from(text);
    hstore value;
    if (from.done()) {
        return value;
    }
    do {
        if (!read_pair(from, value)) {
            return std::nullopt;
        }
    } while (from.skip(", "));
    return from.done() ? std::optional(std::move(value)) : std::nullopt;
}

// The number of pairs; each one's key and value, which may be NULL, with their lengths. (hstore_send in
// the extension's hstore_io.c)
std::optional<hstore> detail::hstore_from_wire(std::string_view bytes)
{
    if (bytes.size() < 4) {
        return std::nullopt;
    }
    const auto count = load<std::int32_t>(bytes);
    bytes.remove_prefix(4);
    hstore value;
    for (std::int32_t i = 0; i < count; ++i) {
        std::int32_t key_length = 0;
        std::int32_t item_length = 0;
        std::string_view key;
        std::string_view item;
        if (!take_part(bytes, key_length, key) || key_length < 0 || !take_part(bytes, item_length, item)) {
            return std::nullopt;
        }
        value[std::string(key)] = item_length < 0 ? std::nullopt : std::optional(std::string(item));
    }
    return count >= 0 && bytes.empty() ? std::optional(std::move(value)) : std::nullopt;
}

void parameter_traits<hstore>::encode(const hstore& value, parameter_writer& to)
{
    to.append(static_cast<std::int32_t>(value.size()));
    for (const auto& [key, item] : value) {
        const auto begin = to.begin_value();
        to.append_text(key);
        to.end_value(begin);
        if (!item) {
            to.append(std::int32_t{-1});
            continue;
        }
        const auto item_begin = to.begin_value();
        to.append_text(*item);
        to.end_value(item_begin);
    }
}

hstore field_traits<hstore>::decode(const field& from)
{
    auto value =
        from.format() == wire_format::text ? parse_hstore(from.bytes()) : detail::hstore_from_wire(from.bytes());
    if (!value) {
        from.refuse(name(), "malformed");
    }
    return *std::move(value);
}

} // namespace tradecore::pg
