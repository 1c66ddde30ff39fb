// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tradecore::fuzz {

/// The input of a run, taken from front to back. At its end there are zeros and empty views, so that every input means
/// something and a mutation in front does not change what the bytes behind it mean.
class byte_source {
public:
    byte_source(const std::uint8_t* data, std::size_t size) noexcept
        : rest_(reinterpret_cast<const char*>(data), size) // NOLINT: bytes are bytes
    {}

    [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return rest_.size(); }

    std::uint8_t u8() noexcept
    {
        const auto taken = take(1);
        return taken.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(taken[0]);
    }
    std::uint16_t u16() noexcept
    {
        const unsigned high = u8();
        return static_cast<std::uint16_t>(high << 8U | u8());
    }
    bool flag() noexcept { return (u8() & 1U) != 0; }
    /// @returns a number from 0 to `bound` - 1.
    std::size_t below(std::size_t bound) noexcept { return (bound > 256 ? u16() : u8()) % bound; }
    /// @returns as many bytes as asked for, or as there are.
    std::string_view take(std::size_t count) noexcept
    {
        const auto taken = rest_.substr(0, count);
        rest_.remove_prefix(taken.size());
        return taken;
    }
    /// @returns some bytes, whose number stands before them.
    std::string_view some() noexcept { return take(u8()); }
    std::string_view rest() noexcept { return take(rest_.size()); }

private:
    std::string_view rest_;
};

} // namespace tradecore::fuzz
