// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::pg {

/// A five-character SQLSTATE such as 23505, kept as a number in base 36.
/// (PostgreSQL documentation, appendix "PostgreSQL Error Codes".)
class sqlstate {
public:
    /// 00000, successful completion.
    constexpr sqlstate() noexcept = default;

    /// Compile-time literal; a wrong one does not compile.
    consteval explicit sqlstate(const char (&code)[6]) : value_(pack({code, 5}))
    {
        if (value_ < 0) {
            throw "an SQLSTATE is five digits or upper-case letters";
        }
    }

    /// @returns the code, or nothing when `text` is not five digits or upper-case letters.
    [[nodiscard]] static constexpr std::optional<sqlstate> parse(std::string_view text) noexcept
    {
        const int value = pack(text);
        if (value < 0) {
            return std::nullopt;
        }
        return from_value(value);
    }

    /// @param value of another `sqlstate`.
    [[nodiscard]] static constexpr sqlstate from_value(int value) noexcept
    {
        sqlstate made;
        made.value_ = value;
        return made;
    }

    /// @returns the code as one number: the order of numbers is the order of codes.
    [[nodiscard]] constexpr int value() const noexcept { return value_; }
    /// @returns the code of its class: 23505 gives 23000.
    [[nodiscard]] constexpr sqlstate class_code() const noexcept
    {
        return from_value(value_ - value_ % (36 * 36 * 36));
    }
    /// @returns the five characters.
    [[nodiscard]] std::string text() const;

    friend constexpr auto operator<=>(sqlstate, sqlstate) noexcept = default;

private:
    static constexpr int pack(std::string_view text) noexcept
    {
        if (text.size() != 5) {
            return -1;
        }
        int value = 0;
        for (const char c : text) {
            if (c >= '0' && c <= '9') {
                value = value * 36 + (c - '0');
            }
            else if (c >= 'A' && c <= 'Z') {
                value = value * 36 + (c - 'A' + 10);
            }
            else {
                return -1;
            }
        }
        return value;
    }

    int value_ = 0;
};

namespace literals {

/// `"23505"_sqlstate`
consteval sqlstate operator""_sqlstate(const char* text, std::size_t size)
{
    const auto code = sqlstate::parse({text, size});
    if (!code) {
        throw "an SQLSTATE is five digits or upper-case letters";
    }
    return *code;
}

} // namespace literals

} // namespace tradecore::pg
