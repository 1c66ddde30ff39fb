// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/types/mac_address.hpp>

#include <charconv>

namespace tradecore::pg {

template <std::size_t Size>
std::optional<basic_mac_address<Size>> basic_mac_address<Size>::parse(std::string_view text) noexcept
{
    if (text.size() != Size * 3 - 1) {
        return std::nullopt;
    }
    basic_mac_address value;
    for (std::size_t i = 0; i < Size; ++i) {
        const auto* const digits = text.data() + i * 3;
        const auto [end, failed] = std::from_chars(digits, digits + 2, value.bytes[i], 16);
        if (failed != std::errc{} || end != digits + 2 || (i + 1 < Size && *end != ':')) {
            return std::nullopt;
        }
    }
    return value;
}

template <std::size_t Size>
std::string basic_mac_address<Size>::to_string() const
{
    constexpr std::string_view hex = "0123456789abcdef";
    std::string text;
    text.reserve(Size * 3 - 1);
    for (const auto byte : bytes) {
        if (!text.empty()) {
            text += ':';
        }
        text += hex[byte >> 4];
        text += hex[byte & 15];
    }
    return text;
}

template struct basic_mac_address<6>;
template struct basic_mac_address<8>;

} // namespace tradecore::pg
