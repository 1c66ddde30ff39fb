// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/natural_writer.hpp>
#include <tradecore/pg/codec/optional.hpp>
#include <tradecore/pg/codec/parameter_traits.hpp>
#include <tradecore/pg/column.hpp>
#include <tradecore/pg/error.hpp>
#include <tradecore/pg/parameter_writer.hpp>
#include <tradecore/pg/type_info.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

namespace tradecore::pg {

/// The arguments of one statement, encoded once, in an owned buffer: the caller's values may die.
///
/// Each is kept in the binary form of its natural SQL type (`parameter_traits<T>::type`). What the
/// server expects is known only when the statement is prepared, so `write_bind` converts: integers
/// between widths with a range check, to numeric and to floats if exact; text to any type but bytea, in
/// text format; json to jsonb and back; described structs and tuples to composite types attribute by
/// attribute, structs to json and jsonb; enums to labels; arrays element by element; everything else to
/// its own type, to domains of it, and to types of which nothing is known, in text format. What would
/// need a guess, such as an instant for a timestamp without time zone, is refused.
class parameters {
public:
    parameters() = default;

    /// @param values NULL as `std::nullopt`, `nullptr` or an empty optional; ranges as arrays,
    ///        nested ones with as many dimensions; ranges of std::byte as bytea; described structs, tuples
    ///        and enums; see `parameter_traits`.
    /// @throws argument_error naming `$n` for text with NUL, integers beyond 64 bits signed, instants
    ///         out of the server's range, nested ranges of different sizes, and for more than 1 GiB in all.
    template <class... A>
    [[nodiscard]] static parameters encode(const A&... values)
    {
        static_assert(sizeof...(A) <= 65'535, "the protocol carries 65535 parameters at most");
        parameters made;
        (made.add(values), ...);
        return made;
    }

    /// Adds an argument after those that are there, as `encode` does.
    template <class T>
    void add(const T& value)
    {
        if constexpr (std::is_same_v<T, std::nullopt_t> || std::is_null_pointer_v<T>) {
            add_null();
        }
        else if constexpr (detail::is_optional<T>) {
            if (value) {
                add(*value);
            }
            else {
                add_null();
            }
        }
        else {
            const auto begin = buffer_.size();
            parameter_writer writer(buffer_, slots_.size() + 1);
            detail::write_natural<false>(value, writer);
            slots_.push_back(
                {detail::natural_type<T, false>(), static_cast<std::uint32_t>(begin),
                 static_cast<std::int32_t>(buffer_.size() - begin)});
        }
    }

    /// Forgets all arguments and keeps the room they took, for the next row of many.
    void clear() noexcept
    {
        buffer_.clear();
        slots_.clear();
    }

    [[nodiscard]] std::size_t size() const noexcept { return slots_.size(); }
    /// @returns how many bytes the encoded values take.
    [[nodiscard]] std::size_t byte_size() const noexcept { return buffer_.size(); }

    /// Appends what the Bind message says of parameters: format codes and values.
    /// @param server_types as ParameterDescription has them.
    /// @param known what is known of those that are not built in; may be null.
    /// @throws argument_error naming `$n`, SQL type and C++ type when an argument does not fit, or when
    ///         there are more or fewer arguments than types; `out` is then as it was.
    void write_bind(std::string& out, std::span<const oid> server_types, const type_set* known = nullptr) const;

    /// Appends one argument as Bind and rows of binary COPY have it: its length, then its bytes.
    /// @param index which one, counted from 0.
    /// @returns the format the bytes are in; binary for NULL.
    /// @throws argument_error as `write_bind`; `out` is then as it was.
    wire_format write_value(std::string& out, std::size_t index, type_ref server_type) const;

    /// @param max_length number of bytes; what is cut ends in "…".
    /// @returns the values for a log, as SQL: `'active', 42, NULL`.
    [[nodiscard]] std::string describe(std::size_t max_length) const;

private:
    // One argument: its natural type and where its bytes are; length -1 is NULL.
    struct slot {
        oid type;
        std::uint32_t offset;
        std::int32_t length;
    };

    void add_null() { slots_.push_back({0, 0, -1}); }

    detail::argument_buffer buffer_;
    detail::inline_vector<slot, 6> slots_;
};

} // namespace tradecore::pg
