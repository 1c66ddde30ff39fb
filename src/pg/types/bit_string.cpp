// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/types/bit_string.hpp>

#include <cstdint>
#include <limits>

namespace tradecore::pg {

std::optional<bit_string> bit_string::parse(std::string_view text)
{
    bit_string value(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '1') {
            value.set(i);
        }
        else if (text[i] != '0') {
            return std::nullopt;
        }
    }
    return value;
}

std::string bit_string::to_string() const
{
    std::string text(size_, '0');
    for (std::size_t i = 0; i < size_; ++i) {
        text[i] = (*this)[i] ? '1' : '0';
    }
    return text;
}

void bit_string::set(std::size_t position, bool value) noexcept
{
    const auto bit = 0x80U >> (position % 8);
    auto& byte = bytes_[position / 8];
    const auto before = static_cast<unsigned char>(byte);
    byte = static_cast<char>(value ? before | bit : before & ~bit);
}

std::optional<bit_string> bit_string::from_bytes(std::size_t size, std::string_view bytes)
{
    if (bytes.size() != size / 8 + (size % 8 != 0 ? 1 : 0)) {
        return std::nullopt;
    }
    if (size % 8 != 0 && (static_cast<unsigned char>(bytes.back()) & (0xFFU >> (size % 8))) != 0) {
        return std::nullopt;
    }
    bit_string value;
    value.bytes_ = bytes;
    value.size_ = size;
    return value;
}

std::optional<bit_string> detail::value_codec<bit_string>::from_wire(std::string_view bytes)
{
    if (bytes.size() < 4) {
        return std::nullopt;
    }
    const auto size = load<std::int32_t>(bytes);
    return size < 0 ? std::nullopt : bit_string::from_bytes(static_cast<std::size_t>(size), bytes.substr(4));
}

void detail::value_codec<bit_string>::to_wire(const bit_string& value, parameter_writer& to)
{
    if (value.size() > std::numeric_limits<std::int32_t>::max()) {
        to.refuse("the bits are more than the server takes");
    }
    to.append(static_cast<std::int32_t>(value.size()));
    to.append(value.bytes());
}

} // namespace tradecore::pg
