// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace tradecore::pg {

/// One dimension of an array: how many elements, and the number of the first, which is 1 unless somebody asked for
/// another one.
struct array_dimension {
    std::int32_t size = 0;
    std::int32_t lower_bound = 1;

    friend bool operator==(const array_dimension&, const array_dimension&) = default;
};

/// An array exactly as PostgreSQL has it: any number of dimensions with any lower bounds, the elements row by row.
///
/// `std::vector`, nested for more dimensions, is the shorter way where the bounds do not matter.
///
/// @tparam T of the elements; an optional where they may be NULL.
template <class T>
struct array {
    using value_type = T;

    /// Row by row: the last dimension's index changes fastest.
    std::vector<T> values{};
    /// Empty for an empty array; PostgreSQL has six at most. The product of the sizes is the number of values.
    std::vector<array_dimension> dimensions{};

    array() = default;
    /// One dimension, beginning at 1.
    explicit array(std::vector<T> elements) : values(std::move(elements))
    {
        if (!values.empty()) {
            dimensions.push_back({static_cast<std::int32_t>(values.size()), 1});
        }
    }
    array(std::vector<T> elements, std::vector<array_dimension> shape)
        : values(std::move(elements)), dimensions(std::move(shape))
    {}

    friend bool operator==(const array&, const array&) = default;
};

} // namespace tradecore::pg
