// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/codec/bind_conversion.hpp"

#include <tradecore/pg/codec/natural.hpp>
#include <tradecore/pg/types/array.hpp>

#include <boost/container/static_vector.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

// Takes apart what natural_writer.hpp wrote in this process: nothing here needs to be checked again.
namespace tradecore::pg::detail {

/// An array's header and its elements.
class natural_array {
public:
    explicit natural_array(const natural_value& array);

    [[nodiscard]] oid element_type() const noexcept { return element_; }
    [[nodiscard]] const auto& dimensions() const noexcept { return dimensions_; }
    /// @returns the number of elements.
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    /// Takes the next element; `count` times.
    /// @returns nothing for NULL.
    [[nodiscard]] std::optional<natural_value> next();
    /// @returns whether one of the elements still to be taken is NULL.
    [[nodiscard]] bool has_null() const noexcept;
    /// @returns the elements still to be taken as the wire has them: each one's length, -1 for NULL, and bytes.
    [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

private:
    std::size_t position_;
    oid element_;
    std::size_t count_;
    boost::container::static_vector<array_dimension, 6> dimensions_;
    std::string_view rest_;
};

/// What a structure, a tuple, a label or a named value begins with; the rest is left in `bytes`.
[[nodiscard]] const natural::shape& take_shape(std::string_view& bytes);

/// Takes the next member of a structure or tuple.
/// @param rest after `take_shape`; must not be empty.
/// @returns a value whose type is 0 for NULL.
[[nodiscard]] natural_value take_member(std::string_view& rest, std::size_t position);

/// A range's flags and bounds.
struct natural_range {
    oid element = 0;
    std::uint8_t flags = 0;
    /// Nothing where it is unbounded or empty.
    std::optional<natural_value> lower{};
    std::optional<natural_value> upper{};
};
/// @param value a `natural::range`, or of a built-in range type.
[[nodiscard]] natural_range read_range(const natural_value& value);

/// The two forms of a `natural::dual`.
struct natural_pair {
    natural_value sql;
    /// Nothing when the value has no JSON.
    std::optional<std::string_view> json;
};
[[nodiscard]] natural_pair split_dual(const natural_value& value);

} // namespace tradecore::pg::detail
