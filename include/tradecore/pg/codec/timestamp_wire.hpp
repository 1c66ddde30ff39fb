// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/vocabulary.hpp>

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

} // namespace tradecore::pg::detail
