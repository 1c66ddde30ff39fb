// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/value_codec.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::pg {

/// PostgreSQL's `macaddr` (6 bytes) and `macaddr8` (8 bytes): the address of a network card.
template <std::size_t Size>
struct basic_mac_address {
    std::array<std::uint8_t, Size> bytes{};

    /// Reads "08:00:2b:01:02:03".
    [[nodiscard]] static std::optional<basic_mac_address> parse(std::string_view text) noexcept;
    /// @returns "08:00:2b:01:02:03", as the server prints it.
    [[nodiscard]] std::string to_string() const;

    friend constexpr auto operator<=>(const basic_mac_address&, const basic_mac_address&) = default;
};

extern template struct basic_mac_address<6>;
extern template struct basic_mac_address<8>;

using mac_address = basic_mac_address<6>;
/// A `mac_address` argument goes into macaddr8, too: with FF:FE in the middle, by the server's doing.
using mac_address8 = basic_mac_address<8>;

template <std::size_t Size>
struct detail::value_codec<basic_mac_address<Size>> {
    static constexpr std::string_view name = Size == 6 ? "tradecore::pg::mac_address" : "tradecore::pg::mac_address8";
    static constexpr oid type = Size == 6 ? oids::macaddr : oids::macaddr8;
    static std::optional<basic_mac_address<Size>> from_wire(std::string_view bytes) noexcept
    {
        if (bytes.size() != Size) {
            return std::nullopt;
        }
        basic_mac_address<Size> value;
        for (std::size_t i = 0; i < Size; ++i) {
            value.bytes[i] = static_cast<std::uint8_t>(bytes[i]);
        }
        return value;
    }
    static void to_wire(const basic_mac_address<Size>& value, parameter_writer& to)
    {
        // Any object may be read as char.
        to.append(std::string_view(reinterpret_cast<const char*>(value.bytes.data()), Size));
    }
};

} // namespace tradecore::pg
