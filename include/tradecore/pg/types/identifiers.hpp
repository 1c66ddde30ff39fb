// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/value_codec.hpp>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::pg {

/// PostgreSQL's `pg_lsn`: a position in the write-ahead log, in bytes.
struct lsn {
    std::uint64_t position = 0;

    /// Reads "16/B374D848".
    [[nodiscard]] static std::optional<lsn> parse(std::string_view text) noexcept;
    /// @returns "16/B374D848", as the server prints it.
    [[nodiscard]] std::string to_string() const;

    friend constexpr auto operator<=>(const lsn&, const lsn&) = default;
};

/// PostgreSQL's `xid8`: a transaction's number that does not wrap around. (The 32 bits of `xid` are read as
/// `std::uint32_t`, `oid` as `tradecore::pg::oid`.)
struct transaction_id {
    std::uint64_t number = 0;

    [[nodiscard]] static std::optional<transaction_id> parse(std::string_view text) noexcept;
    [[nodiscard]] std::string to_string() const;

    friend constexpr auto operator<=>(const transaction_id&, const transaction_id&) = default;
};

/// PostgreSQL's `"char"`, the one byte of the system catalogues; not `char(1)`, which is text.
struct one_byte_char {
    char value = '\0';

    /// Reads one byte, none for 0, or \ooo, an octal number, as servers from 16 on print bytes over 127.
    [[nodiscard]] static std::optional<one_byte_char> parse(std::string_view text) noexcept;
    /// @returns the byte; nothing for 0.
    [[nodiscard]] std::string to_string() const;

    friend constexpr bool operator==(const one_byte_char&, const one_byte_char&) = default;
};

namespace detail {

template <>
struct value_codec<lsn> {
    static constexpr std::string_view name = "tradecore::pg::lsn";
    static constexpr oid type = oids::pg_lsn;
    static std::optional<lsn> from_wire(std::string_view bytes) noexcept;
    static void to_wire(const lsn& value, parameter_writer& to);
};

template <>
struct value_codec<transaction_id> {
    static constexpr std::string_view name = "tradecore::pg::transaction_id";
    static constexpr oid type = oids::xid8;
    static std::optional<transaction_id> from_wire(std::string_view bytes) noexcept;
    static void to_wire(const transaction_id& value, parameter_writer& to);
};

template <>
struct value_codec<one_byte_char> {
    static constexpr std::string_view name = "tradecore::pg::one_byte_char";
    static constexpr oid type = oids::char_;
    static std::optional<one_byte_char> from_wire(std::string_view bytes) noexcept;
    static void to_wire(const one_byte_char& value, parameter_writer& to);
};

} // namespace detail
} // namespace tradecore::pg
