// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/codec/civil_date.hpp"
#include "pg/codec/text_scanner.hpp"

#include <cstdint>
#include <string>

namespace tradecore::pg::detail {

inline constexpr std::int64_t micros_per_second = 1'000'000;
inline constexpr std::int64_t micros_per_day = 86'400 * micros_per_second;

// The parts that the server's texts in DateStyle ISO have in common.

/// Appends 2024-01-31; years before Christ as positive numbers.
/// @returns whether " BC" belongs at the end of the text.
bool append_date(std::string& out, std::int64_t days_since_1970);
/// Appends 12:00:00.5, without zeros at the end of the fraction.
/// @param micros since midnight, up to 24:00:00.
void append_time(std::string& out, std::int64_t micros);
/// Appends +05, +05:30 or +05:30:15.
void append_offset(std::string& out, int seconds_east);

/// Reads 2024-01-31. The year is as written: " BC" comes later in the text.
bool read_date(text_scanner& from, civil_date& date) noexcept;
/// Reads 12:00:00.5.
/// @param last_hour 23, or 24 where 24:00:00 is a time.
bool read_time(text_scanner& from, std::int64_t& micros, int last_hour) noexcept;
/// Reads an offset in one of the forms above, or Z.
bool read_offset(text_scanner& from, int& seconds_east) noexcept;

} // namespace tradecore::pg::detail
