// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tradecore::pg::protocol {

/// Reads a message's payload from front to back. Reading past the end yields zeros and empty views and
/// makes `ok()` false for good, so a decoder reads everything first and asks once.
class payload_reader {
public:
    explicit payload_reader(std::string_view payload) noexcept : rest_(payload) {}

    [[nodiscard]] std::uint8_t u8() noexcept { return static_cast<std::uint8_t>(big_endian(1)); }
    [[nodiscard]] std::int16_t i16() noexcept { return static_cast<std::int16_t>(big_endian(2)); }
    [[nodiscard]] std::int32_t i32() noexcept { return static_cast<std::int32_t>(big_endian(4)); }
    [[nodiscard]] std::uint32_t u32() noexcept { return big_endian(4); }

    [[nodiscard]] std::string_view bytes(std::size_t count) noexcept
    {
        if (rest_.size() < count)
            return fail();
        const auto taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }

    /// A string that ends with a NUL, which is taken but not returned.
    [[nodiscard]] std::string_view c_string() noexcept
    {
        const auto end = rest_.find('\0');
        if (end == std::string_view::npos)
            return fail();
        const auto taken = rest_.substr(0, end);
        rest_.remove_prefix(end + 1);
        return taken;
    }

    [[nodiscard]] std::string_view rest() noexcept { return bytes(rest_.size()); }
    [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
    /// @returns whether everything asked for was there.
    [[nodiscard]] bool ok() const noexcept { return ok_; }
    /// @returns whether everything asked for was there and nothing is left.
    [[nodiscard]] bool complete() const noexcept { return ok_ && rest_.empty(); }

private:
    std::string_view fail() noexcept
    {
        ok_ = false;
        rest_ = {};
        return {};
    }

    std::uint32_t big_endian(std::size_t count) noexcept
    {
        std::uint32_t value = 0;
        for (const char byte : bytes(count))
            value = (value << 8U) | static_cast<unsigned char>(byte);
        return value;
    }

    std::string_view rest_;
    bool ok_ = true;
};

} // namespace tradecore::pg::protocol
