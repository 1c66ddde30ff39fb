// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "common/workload.hpp"

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

// As much of protocol 3.0 and of the binary formats as peers without an encoder of their own need.
namespace tradecore::bench::wire {

static_assert(std::endian::native == std::endian::little, "the bytes are swapped without asking");

template <std::integral T>
T swapped(T value)
{
    if constexpr (sizeof(T) == 2)
        return static_cast<T>(__builtin_bswap16(static_cast<std::uint16_t>(value)));
    else if constexpr (sizeof(T) == 4)
        return static_cast<T>(__builtin_bswap32(static_cast<std::uint32_t>(value)));
    else
        return static_cast<T>(__builtin_bswap64(static_cast<std::uint64_t>(value)));
}

template <std::integral T>
T load(const char* from)
{
    T value;
    std::memcpy(&value, from, sizeof value);
    return swapped(value);
}

template <std::integral T>
char* store(char* into, T value)
{
    value = swapped(value);
    std::memcpy(into, &value, sizeof value);
    return into + sizeof value;
}

template <std::integral T>
void append(std::string& to, T value)
{
    value = swapped(value);
    to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

inline void append_message(std::string& to, char type, std::string_view payload)
{
    to += type;
    append(to, static_cast<std::int32_t>(payload.size() + 4));
    to += payload;
}

inline constexpr std::string_view copy_header{"PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19};
inline constexpr std::int16_t copy_trailer = -1;
/// Number of fields, then the four of them with their lengths.
inline constexpr std::size_t copy_row_size = 2 + 12 + 12 + 4 + name_length + 12;

inline char* store_int8(char* into, std::int64_t value)
{
    return store(store(into, std::int32_t{8}), value);
}

inline char* store_name(char* into, std::int64_t row)
{
    into = store(into, static_cast<std::int32_t>(name_length));
    write_name(row, into);
    return into + name_length;
}

inline char* store_copy_row(char* into, std::int64_t row)
{
    into = store(into, std::int16_t{4});
    into = store_int8(into, row);
    into = store_int8(into, amount_of(row));
    into = store_name(into, row);
    return store_int8(into, first_wire_time + row * 1'000'000);
}

} // namespace tradecore::bench::wire
