// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/codec/inline_vector.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace tradecore::pg {

namespace detail {

/// Room for the arguments of a usual call without an allocation.
using argument_buffer = inline_vector<char, 192>;

} // namespace detail

/// Where `parameter_traits<T>::encode` puts a value's bytes.
class parameter_writer {
public:
    /// What all arguments may take together: the server refuses messages and values of 1 GiB (MaxAllocSize).
    static constexpr std::size_t max_bytes = 0x3FFF'FFFF;

    /// @param position the argument's number, counted from 1, for messages.
    parameter_writer(detail::argument_buffer& to, std::size_t position) noexcept : to_(&to), position_(position) {}

    /// Appends bytes as they are.
    /// @throws argument_error beyond 1 GiB in all.
    void append(std::string_view bytes)
    {
        if (bytes.size() > max_bytes - to_->size())
            refuse_size();
        to_->append(bytes.data(), bytes.size());
    }
    /// Appends an integer, the highest byte first.
    template <std::integral T>
    void append(T value)
    {
        char bytes[sizeof(T)];
        detail::store(bytes, value);
        append(std::string_view(bytes, sizeof(T)));
    }
    /// Appends text.
    /// @throws argument_error when it contains NUL, which no text type of the server can hold.
    void append_text(std::string_view text);

    /// Appends a pointer, for forms that do not leave the process.
    void append_pointer(const void* pointer)
    {
        char bytes[sizeof pointer];
        std::memcpy(bytes, static_cast<const void*>(&pointer), sizeof pointer);
        append(std::string_view(bytes, sizeof bytes));
    }

    /// @returns how many bytes there are.
    [[nodiscard]] std::size_t size() const noexcept { return to_->size(); }
    /// Overwrites an integer that was appended.
    void patch(std::size_t at, std::int32_t value) noexcept { detail::store(to_->data() + at, value); }
    /// Leaves room for a length; `end_value` fills it in with the number of bytes appended since.
    [[nodiscard]] std::size_t begin_value()
    {
        append(std::int32_t{0});
        return to_->size();
    }
    void end_value(std::size_t begin) noexcept { patch(begin - 4, static_cast<std::int32_t>(to_->size() - begin)); }

    /// Says that the argument cannot be sent.
    /// @throws argument_error always: "argument $2: <reason>".
    [[noreturn]] void refuse(const std::string& reason) const;
    /// Says of nested ranges that they are of different sizes.
    /// @param path where the odd one is.
    /// @throws argument_error always.
    [[noreturn]] void
    refuse_ragged(std::span<const std::int32_t> path, std::int32_t size, std::int32_t size_of_first) const;
    /// Says that dimensions do not hold `count` elements.
    /// @throws argument_error always.
    [[noreturn]] void refuse_dimensions(std::size_t count) const;

private:
    [[noreturn]] void refuse_size() const;

    detail::argument_buffer* to_;
    std::size_t position_;
};

} // namespace tradecore::pg
