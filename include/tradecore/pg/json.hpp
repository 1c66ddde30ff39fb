// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/numeric.hpp>
#include <tradecore/pg/vocabulary.hpp>

#include <boost/core/type_name.hpp>
#include <boost/describe/enum_to_string.hpp>
#include <boost/describe/enumerators.hpp>
#include <boost/describe/members.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>
#include <boost/mp11/algorithm.hpp>

#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tradecore::pg {

/// A struct whose public members BOOST_DESCRIBE_STRUCT (or _CLASS) names.
template <class T>
concept described_struct = std::is_class_v<T> && boost::describe::has_describe_members<T>::value;

/// JSON does not have the shape that a C++ type needs; `what()` has the path to the place.
class json_mismatch : public std::runtime_error {
public:
    json_mismatch(std::string path, const std::string& reason);
    /// @returns the same, seen from one level further out.
    [[nodiscard]] json_mismatch below(std::string_view step) const;

private:
    std::string path_;
    std::string reason_;
};

template <class T>
[[nodiscard]] std::string json_type_name()
{
    return boost::core::type_name<T>();
}

/// Turns a value into JSON: described structs into objects, described enums into their names, other enums
/// with `enum_labels` into these, ranges into arrays, string maps into objects, empty optionals into null;
/// `uuid`, `timestamptz` (ISO 8601 in UTC) and `numeric` into strings, which keep every digit. Other types
/// go Boost.JSON's way (`tag_invoke`).
/// @throws json_mismatch for what JSON cannot say: NaN, infinities.
template <class T>
[[nodiscard]] boost::json::value to_json(const T& value);

/// The way back. Members of type optional may be missing; unknown members are skipped, so that a writer
/// may be newer than a reader.
/// @throws json_mismatch
template <class T>
[[nodiscard]] T from_json(const boost::json::value& value);

} // namespace tradecore::pg

#include <tradecore/pg/codec/json_values.hpp>
