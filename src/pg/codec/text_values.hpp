// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/vocabulary.hpp>

#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tradecore::pg::detail {

/// @returns the number if all of `text` is one.
template <class T>
[[nodiscard]] std::optional<T> number_from_text(std::string_view text) noexcept
{
    T value{};
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

/// @returns the shortest text that reads back as `value`, spelled as the server does: NaN, Infinity.
[[nodiscard]] std::string float_to_text(float value);
[[nodiscard]] std::string float_to_text(double value);

/// @returns \x and two digits for each byte.
[[nodiscard]] std::string bytea_to_text(std::string_view bytes);
/// Reads the form above.
[[nodiscard]] std::optional<std::vector<std::byte>> bytea_from_text(std::string_view text);

[[nodiscard]] std::string uuid_to_text(const tradecore::uuid& value);
/// @param bytes 16 of them.
[[nodiscard]] tradecore::uuid uuid_from_wire(std::string_view bytes) noexcept;
/// Reads 32 hexadecimal digits in groups of 8-4-4-4-12.
[[nodiscard]] std::optional<tradecore::uuid> uuid_from_text(std::string_view text) noexcept;

} // namespace tradecore::pg::detail
