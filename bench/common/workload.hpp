// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tradecore::bench {

// What all contenders do. Macros, because ours takes its SQL as literals that are checked when they are compiled.
#define TRADECORE_BENCH_POINT_SQL "SELECT abalance FROM pgbench_accounts WHERE aid = $1"
#define TRADECORE_BENCH_ROWS_SQL                                                                                       \
    "SELECT i AS id, (i % 1000)::int4 AS quantity, 'row-' || i AS name, "                                              \
    "'2024-01-01 00:00:00+00'::timestamptz + i * interval '1 second' AS at FROM generate_series(1, $1::int8) AS i"
#define TRADECORE_BENCH_INSERT_SQL "INSERT INTO bulk (id, amount, name, at) VALUES ($1, $2, $3, $4)"
#define TRADECORE_BENCH_UNNEST_SQL                                                                                     \
    "INSERT INTO bulk (id, amount, name, at) SELECT * FROM unnest($1::int8[], $2::int8[], $3::text[], "                \
    "$4::timestamptz[])"

/// Rows in one UNNEST statement, and INSERTs between two Syncs where somebody has to choose.
inline constexpr std::size_t unnest_chunk = 10'000;
inline constexpr std::size_t insert_chunk = 1'000;

/// Which accounts are asked for; pgbench's scale 10 has a million.
class account_ids {
public:
    explicit account_ids(std::uint64_t seed) : state_(88'172'645'463'325'252ULL ^ (seed * 2'654'435'761U)) {}

    std::int32_t next() noexcept
    {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return static_cast<std::int32_t>((state_ >> 20) % 1'000'000) + 1;
    }

private:
    std::uint64_t state_;
};

/// The rows that are written: bulk (id int8, amount int8, name text, at timestamptz).
inline constexpr std::size_t name_length = 20;
/// 2024-01-01 00:00:00 UTC in microseconds, since 1970 and as PostgreSQL counts, since 2000.
inline constexpr std::int64_t first_unix_time = 1'704'067'200'000'000;
inline constexpr std::int64_t first_wire_time = first_unix_time - 946'684'800'000'000;

inline std::int64_t amount_of(std::int64_t row)
{
    return row * 7;
}

/// Writes `name_length` characters: "row-" and the number with leading zeros.
inline void write_name(std::int64_t row, char* into)
{
    std::memcpy(into, "row-0000000000000000", name_length);
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, row).ptr;
    const auto count = static_cast<std::size_t>(end - digits);
    std::memcpy(into + name_length - count, digits, count);
}

} // namespace tradecore::bench
