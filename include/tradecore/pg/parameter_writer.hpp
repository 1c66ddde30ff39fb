// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/byte_order.hpp>

#include <boost/container/small_vector.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

namespace tradecore::pg {

namespace detail {

/// Room for the arguments of a usual call without an allocation.
using argument_buffer = boost::container::small_vector<char, 192>;

} // namespace detail

/// Where `parameter_traits<T>::encode` puts a value's bytes.
class parameter_writer {
public:
    /// @param position the argument's number, counted from 1, for messages.
    parameter_writer(detail::argument_buffer& to, std::size_t position) noexcept : to_(&to), position_(position) {}

    /// Appends bytes as they are.
    /// @throws argument_error beyond 1 GiB in all.
    void append(std::string_view bytes);
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

    /// Says that the argument cannot be sent.
    /// @throws argument_error always: "argument $2: <reason>".
    [[noreturn]] void refuse(const std::string& reason) const;

private:
    detail::argument_buffer* to_;
    std::size_t position_;
};

} // namespace tradecore::pg
