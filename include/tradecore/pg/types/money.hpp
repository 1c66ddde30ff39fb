// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/value_codec.hpp>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::pg {

/// PostgreSQL's `money`: a number of the smallest units of a currency. Which currency, and how many of
/// them make a whole, is the server's `lc_monetary`, not the value: with two digits, as most have, they
/// are cents. Prefer `numeric` for money; this is for tables that have it already.
struct money {
    std::int64_t cents = 0;

    /// Reads the server's output where lc_monetary has two digits, a point before them and commas between
    /// thousands: "-$1,234.56"; other locales in binary format only.
    [[nodiscard]] static std::optional<money> parse(std::string_view text) noexcept;
    /// @returns "-$1,234.56", as the server prints it with lc_monetary C.
    [[nodiscard]] std::string to_string() const;

    friend constexpr auto operator<=>(const money&, const money&) = default;
};

template <>
struct detail::value_codec<money> {
    static constexpr std::string_view name = "tradecore::pg::money";
    static constexpr oid type = oids::money;
    static std::optional<money> from_wire(std::string_view bytes) noexcept;
    static void to_wire(const money& value, parameter_writer& to);
};

} // namespace tradecore::pg
