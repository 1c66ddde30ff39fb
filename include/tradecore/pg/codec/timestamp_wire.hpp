// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/vocabulary.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::pg::detail {

/// @returns the wire's microseconds since 2000-01-01 UTC; nothing when the server has no such instant.
[[nodiscard]] std::optional<std::int64_t> timestamptz_to_wire(tradecore::timestamptz value) noexcept;

/// @returns the instant; nothing when it is infinite or does not fit.
[[nodiscard]] std::optional<tradecore::timestamptz> timestamptz_from_wire(std::int64_t micros) noexcept;

/// @returns the instant in UTC: 2024-01-31 12:00:00.5+00, with "BC" where needed.
/// @param separator between date and time, ' ' for the server and 'T' for ISO 8601.
[[nodiscard]] std::string timestamptz_to_text(tradecore::timestamptz value, char separator = ' ');

/// Reads the server's output in DateStyle ISO and ISO 8601 with an offset or Z.
[[nodiscard]] std::optional<tradecore::timestamptz> timestamptz_from_text(std::string_view text) noexcept;

// The same for timestamps without time zone.
[[nodiscard]] std::optional<std::int64_t>
timestamp_to_wire(std::chrono::local_time<std::chrono::microseconds> value) noexcept;
[[nodiscard]] std::optional<std::chrono::local_time<std::chrono::microseconds>>
timestamp_from_wire(std::int64_t micros) noexcept;
[[nodiscard]] std::string timestamp_to_text(std::chrono::local_time<std::chrono::microseconds> value);
[[nodiscard]] std::optional<std::chrono::local_time<std::chrono::microseconds>>
timestamp_from_text(std::string_view text) noexcept;

/// @returns the wire's days since 2000-01-01; nothing when the server has no such date.
[[nodiscard]] std::optional<std::int32_t> date_to_wire(std::chrono::sys_days value) noexcept;
/// @returns the date; nothing when it is infinite or beyond the server's range.
[[nodiscard]] std::optional<std::chrono::sys_days> date_from_wire(std::int32_t days) noexcept;
/// @returns 2024-01-31, with "BC" where needed.
[[nodiscard]] std::string date_to_text(std::chrono::sys_days value);
/// Reads the server's output in DateStyle ISO.
[[nodiscard]] std::optional<std::chrono::sys_days> date_from_text(std::string_view text) noexcept;

/// @returns a wire date's midnight, or infinity, as a wire timestamp; nothing when it is beyond those.
[[nodiscard]] std::optional<std::int64_t> timestamp_of_date(std::int32_t days) noexcept;

} // namespace tradecore::pg::detail
