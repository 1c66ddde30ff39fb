// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace tradecore::observe {

/// What: one `key=value` that goes with a log message.
///
/// Parameters: a key (letters, digits, `_`, `.`), and a value: text, a boolean, a number, or a duration (kept as
/// milliseconds). Never give a secret: passwords, tokens and whole DSNs do not belong in a log.
/// Lifetimes: holds views of key and text; it lives as long as the call of `log()` it is written in.
class field {
public:
    using value_type = std::variant<std::string_view, bool, std::int64_t, std::uint64_t, double>;

    constexpr field(std::string_view key, std::string_view value) noexcept : key_{key}, value_{value} {}
    constexpr field(std::string_view key, const char* value) noexcept : key_{key}, value_{std::string_view{value}} {}
    field(std::string_view key, const std::string& value) noexcept : key_{key}, value_{std::string_view{value}} {}
    constexpr field(std::string_view key, bool value) noexcept : key_{key}, value_{value} {}

    template <std::signed_integral T>
    constexpr field(std::string_view key, T value) noexcept : key_{key}, value_{static_cast<std::int64_t>(value)}
    {}

    template <std::unsigned_integral T>
        requires(!std::same_as<T, bool>)
    constexpr field(std::string_view key, T value) noexcept : key_{key}, value_{static_cast<std::uint64_t>(value)}
    {}

    template <std::floating_point T>
    constexpr field(std::string_view key, T value) noexcept : key_{key}, value_{static_cast<double>(value)}
    {}

    template <class Rep, class Period>
    constexpr field(std::string_view key, std::chrono::duration<Rep, Period> value) noexcept
        : key_{key}, value_{std::chrono::duration<double, std::milli>{value}.count()}
    {}

    [[nodiscard]] constexpr std::string_view key() const noexcept { return key_; }
    [[nodiscard]] constexpr const value_type& value() const noexcept { return value_; }

    /// What: the value as text, without quotes. Errors: std::bad_alloc.
    [[nodiscard]] std::string text() const;

private:
    std::string_view key_;
    value_type value_;
};

} // namespace tradecore::observe
