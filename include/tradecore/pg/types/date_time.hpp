// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/types/extended.hpp>
#include <tradecore/pg/vocabulary.hpp>

#include <chrono>
#include <string>

// The server's text, in DateStyle ISO, of the dates and times that are types of std::chrono.

namespace tradecore::pg {

/// @returns "2024-01-31", "0044-03-15 BC".
[[nodiscard]] std::string to_string(std::chrono::sys_days value);
/// @returns "2024-01-31 12:00:00.5".
[[nodiscard]] std::string to_string(std::chrono::local_time<std::chrono::microseconds> value);
/// @returns "2024-01-31 12:00:00.5+00", as with TimeZone UTC.
[[nodiscard]] std::string to_string(tradecore::timestamptz value);

/// @returns the text of a finite value, "infinity" or "-infinity".
template <class T>
[[nodiscard]] std::string to_string(const extended<T>& value)
{
    if (value.is_finite()) {
        return to_string(value.value());
    }
    return value.is_infinity() ? "infinity" : "-infinity";
}

} // namespace tradecore::pg
