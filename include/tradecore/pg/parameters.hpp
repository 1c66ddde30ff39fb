// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/optional.hpp>
#include <tradecore/pg/codec/parameter_traits.hpp>
#include <tradecore/pg/column.hpp>
#include <tradecore/pg/error.hpp>
#include <tradecore/pg/parameter_writer.hpp>

#include <boost/container/small_vector.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <type_traits>

namespace tradecore::pg {

/// The arguments of one statement, encoded once, in an owned buffer: the caller's values may die.
///
/// Each is kept in the binary form of its natural SQL type (`parameter_traits<T>::type`). What the
/// server expects is known only when the statement is prepared, so `write_bind` converts: integers
/// between widths with a range check, to numeric and to floats if exact; text to any type but bytea, in
/// text format; json to jsonb and back; everything else to its own type and to types that users created
/// (domains, enums), in text format. What would need a guess, such as an instant for a timestamp
/// without time zone, is refused.
class parameters {
public:
    parameters() = default;

    /// @param values NULL as `std::nullopt`, `nullptr` or an empty optional; ranges as one-dimensional
    ///        arrays; ranges of std::byte as bytea; described structs as jsonb; see `parameter_traits`.
    /// @throws argument_error naming `$n` for text with NUL, integers beyond 64 bits signed, instants
    ///         out of the server's range, and for more than 1 GiB in all.
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
            add_null(0);
        }
        else if constexpr (detail::is_optional<T>) {
            if (value) {
                add(*value);
            }
            else {
                add_null(0);
            }
        }
        else if constexpr (detail::converts_parameter<T>) {
            add(parameter_traits<T>::convert(value));
        }
        else if constexpr (encodable<T>) {
            const auto begin = buffer_.size();
            parameter_writer writer(buffer_, slots_.size() + 1);
            parameter_traits<T>::encode(value, writer);
            close(parameter_traits<T>::type, begin);
        }
        else if constexpr (detail::array_like<T>) {
            add_array(value);
        }
        else {
            detail::explain_refusal<T>();
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
    /// @throws argument_error naming `$n`, SQL type and C++ type when an argument does not fit, or when
    ///         there are more or fewer arguments than types; `out` is then as it was.
    void write_bind(std::string& out, std::span<const oid> server_types) const;

    /// Appends one argument as Bind and rows of binary COPY have it: its length, then its bytes.
    /// @param index which one, counted from 0.
    /// @returns the format the bytes are in; binary for NULL.
    /// @throws argument_error as `write_bind`; `out` is then as it was.
    wire_format write_value(std::string& out, std::size_t index, oid server_type) const;

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

    // An array is kept as the number of its elements, then each one's length and bytes.
    template <class R>
    void add_array(const R& range)
    {
        using element = std::ranges::range_value_t<R>;
        using value = detail::converted_t<detail::without_optional_t<element>>;
        if constexpr (!encodable<value>) {
            detail::explain_refusal<value>();
        }
        else {
            const auto begin = buffer_.size();
            parameter_writer writer(buffer_, slots_.size() + 1);
            writer.append(std::int32_t{0});
            std::int32_t count = 0;
            for (auto&& item : range) {
                add_element<element>(static_cast<const element&>(item), writer);
                ++count;
            }
            detail::store(buffer_.data() + begin, count);
            close(detail::array_type(parameter_traits<value>::type), begin);
        }
    }

    template <class E>
    void add_element(const E& item, parameter_writer& writer)
    {
        if constexpr (detail::is_optional<E>) {
            if (!item) {
                writer.append(std::int32_t{-1});
                return;
            }
            add_element(*item, writer);
        }
        else if constexpr (detail::converts_parameter<E>) {
            add_element(parameter_traits<E>::convert(item), writer);
        }
        else {
            const auto begin = buffer_.size();
            writer.append(std::int32_t{0});
            parameter_traits<E>::encode(item, writer);
            detail::store(buffer_.data() + begin, static_cast<std::int32_t>(buffer_.size() - begin - 4));
        }
    }

    void add_null(oid type) { slots_.push_back({type, 0, -1}); }
    void close(oid type, std::size_t begin)
    {
        slots_.push_back({type, static_cast<std::uint32_t>(begin), static_cast<std::int32_t>(buffer_.size() - begin)});
    }

    detail::argument_buffer buffer_;
    boost::container::small_vector<slot, 6> slots_;
};

} // namespace tradecore::pg
