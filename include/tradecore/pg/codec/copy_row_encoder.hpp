// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/codec/row_values.hpp>
#include <tradecore/pg/column.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>

namespace tradecore::pg::detail {

/// A type whose natural form has always the same size and needs no check.
template <class T>
concept fixed_value = std::same_as<T, bool> || std::same_as<T, float> || std::same_as<T, double> ||
                      (integer_parameter<T> && !(sizeof(T) == 8 && std::is_unsigned_v<T>));

/// Writes rows in the binary format of COPY (PostgreSQL documentation, "COPY", "Binary Format").
///
/// Values take the way of a statement's arguments (`parameters`), converted to their column's type; only numbers whose
/// column has their natural type are put into place directly.
class copy_row_encoder {
public:
    explicit copy_row_encoder(std::shared_ptr<const row_description> columns) : columns_(std::move(columns)) {}

    /// Appends what comes before the first row.
    static void begin(std::string& out);
    /// Appends what comes after the last.
    static void end(std::string& out);

    /// Appends a row.
    /// @throws argument_error naming row and column when a value does not fit, or saying how many values there should
    ///         be; `out` is then as it was.
    template <class Row>
    void append(std::string& out, const Row& row)
    {
        append_values(out, value_count<Row>, [&row](auto&& visit) { for_each_value(row, visit); });
    }

    /// Appends a row of these values.
    template <class... Values>
    void append_row(std::string& out, const Values&... values)
    {
        append_values(out, sizeof...(Values), [&](auto&& visit) { (visit(values), ...); });
    }

    /// @returns how many rows were appended.
    [[nodiscard]] std::uint64_t rows() const noexcept { return rows_; }

private:
    template <class EachValue>
    void append_values(std::string& out, std::size_t count, EachValue&& each)
    {
        if (count != columns_->size())
            refuse_width(count);
        const auto start = out.size();
        std::size_t column = 0;
        try {
            detail::append(out, static_cast<std::int16_t>(count));
            each([&](const auto& value) { append_value(out, column++, value); });
        }
        catch (...) {
            out.resize(start);
            scratch_.clear();
            explain(column == 0 ? 0 : column - 1);
        }
        ++rows_;
    }

    template <class T>
    void append_value(std::string& out, std::size_t column, const T& value)
    {
        if constexpr (is_optional<T>) {
            if (value)
                append_value(out, column, *value);
            else
                detail::append(out, std::int32_t{-1});
        }
        else if constexpr (fixed_value<T>) {
            if ((*columns_)[column].type == parameter_traits<T>::type)
                append_in_place(out, value);
            else
                append_converted(out, column, value);
        }
        else {
            append_converted(out, column, value);
        }
    }

    template <fixed_value T>
    static void append_in_place(std::string& out, T value)
    {
        if constexpr (std::same_as<T, bool>)
            append_sized(out, static_cast<std::int8_t>(value));
        else if constexpr (std::same_as<T, float>)
            append_sized(out, std::bit_cast<std::int32_t>(value));
        else if constexpr (std::same_as<T, double>)
            append_sized(out, std::bit_cast<std::int64_t>(value));
        else
            append_sized(out, static_cast<typename parameter_traits<T>::wire>(value));
    }

    template <class T>
    static void append_sized(std::string& out, T value)
    {
        char bytes[4 + sizeof(T)];
        store(bytes, static_cast<std::int32_t>(sizeof(T)));
        store(bytes + 4, value);
        out.append(bytes, sizeof bytes);
    }

    template <class T>
    void append_converted(std::string& out, std::size_t column, const T& value)
    {
        scratch_.clear();
        scratch_.add(value);
        write_scratch(out, column);
    }

    void write_scratch(std::string& out, std::size_t column);
    [[noreturn]] void refuse_width(std::size_t count) const;
    /// Throws the current exception again; an argument_error with row and column.
    [[noreturn]] void explain(std::size_t column) const;

    std::shared_ptr<const row_description> columns_;
    parameters scratch_; // one value
    std::uint64_t rows_ = 0;
};

} // namespace tradecore::pg::detail
