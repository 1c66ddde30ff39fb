// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/vocabulary.hpp>

#include <boost/core/type_name.hpp>

#include <string>
#include <string_view>
#include <vector>

/// How arguments are kept until it is known what the server wants of them.
///
/// A value of a built-in type is kept in the binary form of that type. The others have no form of their own before
/// the server's type is known; they are kept under numbers that no server gives to a type (those of pg_type begin at
/// 16), in a form that never leaves the process:
namespace tradecore::pg::detail::natural {

/// oid of the elements, int32 number of dimensions, for each int32 size and int32 lower bound; then the elements, row
/// by row: int32 length (-1 is NULL) and bytes.
inline constexpr oid array = 1;
/// `const shape*`; then for each member: oid, int32 length (-1 is NULL), bytes.
inline constexpr oid structure = 2;
/// As `structure`, but the members have no names.
inline constexpr oid tuple = 3;
/// `const shape*`; then the text of an enum's label.
inline constexpr oid label = 4;
/// oid of the value, int32 length (-1: has none) and bytes of its JSON, bytes of the value: what JSON calls otherwise.
inline constexpr oid dual = 5;
/// `const shape*`; then the binary form of a type that is found by its name.
inline constexpr oid named = 6;

/// oid of the bounds, int8 flags as in the binary form of ranges, then for each bound that there is: int32 length and
/// bytes.
inline constexpr oid range = 7;

/// What all values of a C++ type have in common.
struct shape {
    std::string cpp_name;
    /// The SQL type that `named` means.
    std::string_view sql_name{};
    /// Of a structure; they are literals.
    std::vector<std::string_view> members{};
};

} // namespace tradecore::pg::detail::natural
