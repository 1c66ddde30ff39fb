// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/value_codec.hpp>

#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::pg {

/// PostgreSQL's `bit(n)` and `varbit`: a row of bits, the first one leftmost.
///
/// How many bits a column takes is the server's to judge: a `bit(n)` column refuses another number.
class bit_string {
public:
    /// No bits.
    bit_string() = default;
    /// @param size number of bits, all 0.
    explicit bit_string(std::size_t size) : bytes_((size + 7) / 8, '\0'), size_(size) {}

    /// Reads "1010".
    [[nodiscard]] static std::optional<bit_string> parse(std::string_view text);
    /// @returns "1010", as the server prints it.
    [[nodiscard]] std::string to_string() const;

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// @param position counted from 0, the leftmost; less than size().
    [[nodiscard]] bool operator[](std::size_t position) const noexcept
    {
        return ((static_cast<unsigned char>(bytes_[position / 8]) >> (7 - position % 8)) & 1U) != 0;
    }
    /// @param position counted from 0, the leftmost; less than size().
    void set(std::size_t position, bool value = true) noexcept;

    /// @returns the bits in bytes, the first in the highest bit; 0 behind the last.
    [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }
    /// @returns the value of `size` bits in `bytes`; nothing when their number does not fit, or a bit behind
    ///          the last is 1.
    [[nodiscard]] static std::optional<bit_string> from_bytes(std::size_t size, std::string_view bytes);

    friend bool operator==(const bit_string&, const bit_string&) = default;
    /// As the server orders: from the left, and of two with a common beginning the shorter first.
    friend std::strong_ordering operator<=>(const bit_string& left, const bit_string& right) noexcept
    {
        const int order = left.bytes_.compare(right.bytes_);
        return order != 0 ? order <=> 0 : left.size_ <=> right.size_;
    }

private:
    std::string bytes_;
    std::size_t size_ = 0;
};

template <>
struct detail::value_codec<bit_string> {
    static constexpr std::string_view name = "tradecore::pg::bit_string";
    static constexpr oid type = oids::varbit;
    static bool also(oid other) noexcept { return other == oids::bit; }
    static std::optional<bit_string> from_wire(std::string_view bytes);
    static void to_wire(const bit_string& value, parameter_writer& to);
};

} // namespace tradecore::pg
