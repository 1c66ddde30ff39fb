// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/text_values.hpp"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>

namespace tradecore::pg::detail {

namespace {

constexpr std::string_view hex = "0123456789abcdef";

int nibble(char c) noexcept
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

// @returns the byte of two digits, or -1.
int byte_of(char high, char low) noexcept
{
    const int a = nibble(high);
    const int b = nibble(low);
    return a < 0 || b < 0 ? -1 : a * 16 + b;
}

void append_hex(std::string& to, unsigned char byte)
{
    to += hex[byte >> 4];
    to += hex[byte & 15];
}

// Whether a number's shortest text, which is in scientific notation, lies exactly between it and its neighbour:
// moved by next to nothing one way or the other, it is the neighbour's. Such a text reads back as the number, by
// the rule that ties go to even; the server takes no chances and prints more digits.
template <class T>
bool is_half_way(T value, std::string_view text)
{
    const auto e = text.find('e');
    std::string more(text.substr(0, e));
    const bool has_point = more.find('.') != std::string::npos;
    std::string less = more;
    --less.back(); // no zero: the text is the shortest
    more += has_point ? "00000000000000000001" : ".00000000000000000001";
    less += has_point ? "99999999999999999999" : ".99999999999999999999";
    more += text.substr(e);
    less += text.substr(e);
    return number_from_text<T>(more) != value || number_from_text<T>(less) != value;
}

template <class T>
std::string shortest(T value)
{
    if (std::isnan(value)) {
        return "NaN";
    }
    if (std::isinf(value)) {
        return value < 0 ? "-Infinity" : "Infinity";
    }
    // The server's choice between the notations, in its double_to_shortest_decimal and float_to_shortest_decimal.
    constexpr int longest_whole = std::numeric_limits<T>::digits10;
    std::array<char, 64> buffer{};
    const auto scientific =
        std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
    const std::string_view text(buffer.data(), static_cast<std::size_t>(scientific.ptr - buffer.data()));
    auto digits = text.substr(text.find('e') + 1);
    digits.remove_prefix(digits.starts_with('+') ? 1 : 0);
    const int exponent = number_from_text<int>(digits).value_or(0);
    if (exponent < -4 || exponent >= longest_whole) {
        if (!is_half_way(value, text)) {
            return std::string(text);
        }
        const auto point = text.find('.');
        const auto after_point = point == std::string_view::npos ? 0 : text.find('e') - point - 1;
        const std::string half_way(text.substr(0, text.find('e')));
        for (int precision = static_cast<int>(after_point) + 1;; ++precision) {
            const auto longer = std::to_chars(
                buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific, precision);
            const std::string_view found(buffer.data(), static_cast<std::size_t>(longer.ptr - buffer.data()));
            // As long as there are only zeros more, it is the same number.
            const auto mantissa = found.substr(0, found.find('e'));
            if (mantissa.substr(0, mantissa.find_last_not_of("0.") + 1) != half_way)
                return std::string(found);
        }
    }
    const auto fixed = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed);
    return {buffer.data(), fixed.ptr};
}

constexpr bool is_dash_before(std::size_t byte) noexcept
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

} // namespace

std::string float_to_text(float value)
{
    return shortest(value);
}

std::string float_to_text(double value)
{
    return shortest(value);
}

std::string bytea_to_text(std::string_view bytes)
{
    std::string text = "\\x";
    text.reserve(2 + bytes.size() * 2);
    for (const char c : bytes) {
        append_hex(text, static_cast<unsigned char>(c));
    }
    return text;
}

std::optional<std::vector<std::byte>> bytea_from_text(std::string_view text)
{
    if (!text.starts_with("\\x") || text.size() % 2 != 0) {
        return std::nullopt;
    }
    std::vector<std::byte> bytes;
    bytes.reserve(text.size() / 2 - 1);
    for (std::size_t i = 2; i < text.size(); i += 2) {
        const int byte = byte_of(text[i], text[i + 1]);
        if (byte < 0) {
            return std::nullopt;
        }
        bytes.push_back(static_cast<std::byte>(byte));
    }
    return bytes;
}

std::string uuid_to_text(const tradecore::uuid& value)
{
    std::string text;
    text.reserve(36);
    for (std::size_t i = 0; i < sizeof value.data; ++i) {
        if (is_dash_before(i)) {
            text += '-';
        }
        append_hex(text, value.data[i]);
    }
    return text;
}

tradecore::uuid uuid_from_wire(std::string_view bytes) noexcept
{
    tradecore::uuid value{};
    std::memcpy(value.data, bytes.data(), sizeof value.data);
    return value;
}

std::optional<tradecore::uuid> uuid_from_text(std::string_view text) noexcept
{
    if (text.size() != 36) {
        return std::nullopt;
    }
    tradecore::uuid value{};
    std::size_t at = 0;
    for (std::size_t i = 0; i < sizeof value.data; ++i) {
        if (is_dash_before(i) && text[at++] != '-') {
            return std::nullopt;
        }
        const int byte = byte_of(text[at], text[at + 1]);
        if (byte < 0) {
            return std::nullopt;
        }
        value.data[i] = static_cast<std::uint8_t>(byte);
        at += 2;
    }
    return value;
}

} // namespace tradecore::pg::detail
