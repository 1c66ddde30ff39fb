// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/field_core.hpp>
#include <tradecore/pg/types/array.hpp>

#include <boost/container/static_vector.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tradecore::pg::detail {

/// Takes the elements out of an array of any number of dimensions, row by row.
class array_reader {
public:
    /// @param from must outlive the reader, and `cpp_type`, too.
    /// @throws type_error when the array is malformed, or its elements are not of the type that the column has.
    array_reader(const field& from, std::string_view cpp_type);

    /// @returns none for an empty array.
    [[nodiscard]] const auto& dimensions() const noexcept { return dimensions_; }
    /// @returns the number of elements, all of which have their bytes.
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    /// Takes the next element; to be called `count` times.
    /// @returns a field that is valid as long as the reader is.
    /// @throws type_error when the array ends before it.
    [[nodiscard]] field next();
    /// To be called after the last element.
    /// @throws type_error when something follows it.
    void finish() const;
    /// @throws type_error unless the array is empty or has that many dimensions.
    void require_rank(std::size_t rank) const;

private:
    struct text_element {
        std::size_t offset;
        std::int32_t length;
    };

    void open_binary();
    void open_text();
    void read_bounds();
    void read_level(std::size_t level);
    void read_element();
    void read_quoted();
    void read_plain();
    void skip_blanks() noexcept;
    void add_dimension(std::int32_t size, std::int32_t lower_bound);
    [[noreturn]] void malformed() const;

    const field* from_;
    std::string_view cpp_type_;
    std::string_view rest_;
    oid element_type_ = 0;
    std::size_t count_ = 0;
    boost::container::static_vector<array_dimension, 6> dimensions_;
    // Of the text format.
    char delimiter_ = ',';
    std::string unescaped_;
    std::vector<text_element> elements_;
    std::size_t at_ = 0;
    std::size_t deepest_ = 0;
};

} // namespace tradecore::pg::detail
