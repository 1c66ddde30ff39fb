// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace tradecore::pg::detail {

/// Reads a big-endian integer; `from` has at least sizeof(T) bytes.
template <std::integral T>
[[nodiscard]] T load(const char* from) noexcept
{
    using bits = std::make_unsigned_t<T>;
    bits value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        value = static_cast<bits>((static_cast<std::uint64_t>(value) << 8) | static_cast<unsigned char>(from[i]));
    }
    return static_cast<T>(value);
}

/// Reads a big-endian integer `offset` bytes into `from`, which reaches that far.
template <std::integral T>
[[nodiscard]] T load(std::string_view from, std::size_t offset = 0) noexcept
{
    return load<T>(from.substr(offset).data()); // NOLINT(bugprone-suspicious-stringview-data-usage): reads sizeof(T)
}

/// Writes a big-endian integer; `to` has room for sizeof(T) bytes.
template <std::integral T>
void store(char* to, T value) noexcept
{
    auto bits = static_cast<std::make_unsigned_t<T>>(value);
    for (std::size_t i = sizeof(T); i-- > 0;) {
        to[i] = static_cast<char>(bits & 0xff);
        bits = static_cast<std::make_unsigned_t<T>>(static_cast<std::uint64_t>(bits) >> 8);
    }
}

/// Appends a big-endian integer to a string, or to what appends like one.
template <std::integral T, class Buffer>
void append(Buffer& to, T value)
{
    char bytes[sizeof(T)];
    store(bytes, value);
    to.append(bytes, sizeof(T)); // `insert` at the end takes 50 instructions more
}

} // namespace tradecore::pg::detail
