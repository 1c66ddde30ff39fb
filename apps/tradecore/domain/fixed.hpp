// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tradecore::app::domain {

// `__extension__` keeps -Wpedantic quiet and goes with typedef only.
__extension__ typedef __int128 int128; // NOLINT(modernize-use-using)

/// What: the base of everything that can be wrong with an amount.
class amount_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What: text that is not an amount; `what()` quotes the text and says why.
class amount_syntax : public amount_error {
public:
    using amount_error::amount_error;
};

/// What: a result outside the range of an amount; `what()` names the operation and its operands.
class amount_overflow : public amount_error {
public:
    using amount_error::amount_error;
};

namespace detail {

/// Digits after the decimal point, and the number of raw units in one.
inline constexpr int amount_scale = 8;
inline constexpr int128 amount_one = 100'000'000;

/// The greatest raw value: 38 nines, so that every amount fits PostgreSQL's numeric(38,8) and every negation exists.
inline constexpr int128 amount_max =
    static_cast<int128>(9'999'999'999'999'999'999ULL) * static_cast<int128>(10'000'000'000'000'000'000ULL) +
    static_cast<int128>(9'999'999'999'999'999'999ULL);

constexpr bool in_range(int128 raw)
{
    return raw >= -amount_max && raw <= amount_max;
}

[[noreturn]] void throw_overflow(std::string_view type, std::string_view operation, int128 left, int128 right);
[[noreturn]] void throw_out_of_range(std::string_view type);

std::string amount_text(int128 raw);
int128 parse_amount(std::string_view text, std::string_view type, bool round);

/// What: left × right ÷ divisor, rounded half to even, with a 256-bit product.
/// Errors: amount_overflow naming `operation` when the result is out of range. The divisor is positive.
int128 multiply_divide(int128 left, int128 right, int128 divisor, std::string_view operation);

} // namespace detail

/// What: a decimal number with 8 digits after the point in a checked 128-bit integer. `Tag` keeps money, quantities and
///   prices apart and gives the name used in errors.
/// Errors: an operation whose result needs more than 38 digits throws amount_overflow; nothing ever wraps.
/// Thread safety: a value.
template <class Tag>
class fixed {
public:
    constexpr fixed() = default;

    /// What: the amount of `raw` × 10⁻⁸. Errors: amount_overflow.
    static constexpr fixed from_raw(int128 raw)
    {
        if (!detail::in_range(raw))
            detail::throw_out_of_range(Tag::name);
        fixed made;
        made.raw_ = raw;
        return made;
    }

    /// What: a whole number of units.
    static constexpr fixed whole(std::int64_t units) { return from_raw(units * detail::amount_one); }

    /// What: the amount that `text` writes: [-]digits[.digits], at most 8 decimals, no exponent.
    /// Errors: amount_syntax with the reason, amount_overflow.
    static fixed parse(std::string_view text) { return from_raw(detail::parse_amount(text, Tag::name, false)); }

    /// What: as `parse`, but any number of decimals, rounded half to even.
    static fixed parse_rounded(std::string_view text) { return from_raw(detail::parse_amount(text, Tag::name, true)); }

    /// What: canonical decimal text: no exponent, no trailing zeros, "0" for zero.
    std::string text() const { return detail::amount_text(raw_); }

    constexpr int128 raw() const { return raw_; }
    constexpr bool is_zero() const { return raw_ == 0; }
    constexpr bool is_positive() const { return raw_ > 0; }
    constexpr bool is_negative() const { return raw_ < 0; }

    friend constexpr bool operator==(fixed, fixed) = default;
    friend constexpr auto operator<=>(fixed, fixed) = default;

    friend constexpr fixed operator-(fixed value) { return from_raw(-value.raw_); }

    // Two amounts in range sum to at most 2 × 10³⁸, which may pass 2¹²⁷: the builtin notices it.
    friend constexpr fixed operator+(fixed left, fixed right)
    {
        fixed sum;
        if (__builtin_add_overflow(left.raw_, right.raw_, &sum.raw_) || !detail::in_range(sum.raw_))
            detail::throw_overflow(Tag::name, "+", left.raw_, right.raw_);
        return sum;
    }

    friend constexpr fixed operator-(fixed left, fixed right)
    {
        fixed difference;
        if (__builtin_sub_overflow(left.raw_, right.raw_, &difference.raw_) || !detail::in_range(difference.raw_))
            detail::throw_overflow(Tag::name, "-", left.raw_, right.raw_);
        return difference;
    }

    constexpr fixed& operator+=(fixed other) { return *this = *this + other; }
    constexpr fixed& operator-=(fixed other) { return *this = *this - other; }

private:
    int128 raw_ = 0;
};

} // namespace tradecore::app::domain
