// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/field.hpp>
#include <tradecore/pg/type_info.hpp>

#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace tradecore::fuzz {

/// Reading a C++ type.
struct reader {
    std::string_view name;
    bool (*accepts)(const pg::type_ref& type, pg::wire_format format);
    /// Reads a value; what could be read and can be an argument is sent back to the same SQL type and read again, which
    /// must give the same. Fails on any exception but `type_error`.
    void (*read)(const pg::column& of, std::string_view bytes);
};

/// One for each C++ type there is something to read into.
[[nodiscard]] std::span<const reader> readers();

/// Types as users make them: an enum, a composite of all sorts, a domain, a range, arrays of them, types of extensions.
[[nodiscard]] std::shared_ptr<const pg::type_set> user_types();

/// Built-in types, with their arrays, and `user_types`.
[[nodiscard]] std::span<const pg::oid> all_types();

/// OIDs in `user_types`.
namespace user_oids {
inline constexpr pg::oid mood = 20'000;
inline constexpr pg::oid mood_array = 20'001;
inline constexpr pg::oid trade = 20'002;
inline constexpr pg::oid trade_array = 20'003;
inline constexpr pg::oid price = 20'004;
inline constexpr pg::oid price_array = 20'005;
inline constexpr pg::oid price_range = 20'006;
inline constexpr pg::oid price_multirange = 20'007;
inline constexpr pg::oid hstore = 20'008;
inline constexpr pg::oid ltree = 20'009;
inline constexpr pg::oid lquery = 20'010;
inline constexpr pg::oid nested = 20'011;
inline constexpr pg::oid semicolon = 20'012;
inline constexpr pg::oid semicolon_array = 20'013;
} // namespace user_oids

/// Reads the value that an input describes: type (2 bytes), which of the C++ types that accept it (1 byte), the bytes.
void read_value(const std::uint8_t* data, std::size_t size, pg::wire_format format);

} // namespace tradecore::fuzz
