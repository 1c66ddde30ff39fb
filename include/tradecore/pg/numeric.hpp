// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/container/small_vector.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::pg {

/// PostgreSQL's `numeric`, digit for digit: what comes from the wire goes back unchanged, with its scale
/// ("1.500" stays), and NaN and the infinities have their place. It carries values and does not
/// calculate; for arithmetic take the integer that `scaled` gives.
///
/// Limits are the server's: 131072 digits before and 16383 after the decimal point.
/// (PostgreSQL documentation, "Arbitrary Precision Numbers".)
class numeric {
public:
    /// 0
    numeric() = default;
    /// An integer, with scale 0.
    explicit numeric(std::int64_t value);

    /// Reads what the server's own input reads: sign, digits, point, exponent, NaN, Infinity, blanks
    /// around it.
    /// @throws type_error for anything else and for values beyond the limits.
    [[nodiscard]] static numeric from_string(std::string_view text);
    /// As `from_string`, with nothing in place of the exception.
    [[nodiscard]] static std::optional<numeric> parse(std::string_view text);
    /// @param units number of units of 10^-scale: (1234, 2) is 12.34.
    /// @param scale digits after the point, 0 to 16383.
    /// @throws type_error when the scale is out of range.
    [[nodiscard]] static numeric from_scaled(std::int64_t units, int scale);
    [[nodiscard]] static numeric nan();
    /// @param negative minus infinity.
    [[nodiscard]] static numeric infinity(bool negative = false);

    /// @returns the text the server would print: all digits of the scale, no exponent.
    [[nodiscard]] std::string to_string() const;
    /// @returns the value in units of 10^-scale; nothing when it is not a whole number of them or does
    ///          not fit.
    [[nodiscard]] std::optional<std::int64_t> to_scaled(int scale) const noexcept;
    /// @returns the value if it is an integer that fits.
    [[nodiscard]] std::optional<std::int64_t> to_int64() const noexcept { return to_scaled(0); }

    [[nodiscard]] bool is_nan() const noexcept { return sign_ == not_a_number; }
    [[nodiscard]] bool is_infinite() const noexcept { return sign_ == plus_infinity || sign_ == minus_infinity; }
    [[nodiscard]] bool is_finite() const noexcept { return sign_ == positive || sign_ == negative; }
    [[nodiscard]] bool is_negative() const noexcept { return sign_ == negative || sign_ == minus_infinity; }
    [[nodiscard]] bool is_zero() const noexcept { return is_finite() && digits_.empty(); }
    /// @returns how many digits after the point are printed.
    [[nodiscard]] int scale() const noexcept { return scale_; }

    /// @returns the number in a value's binary form; nothing when the form is malformed.
    [[nodiscard]] static std::optional<numeric> from_wire(std::string_view bytes);
    /// @returns the value's binary form.
    [[nodiscard]] std::string to_wire() const;

    /// Compares as the server does: the scale does not count, NaN equals NaN and is above all.
    friend std::weak_ordering operator<=>(const numeric& left, const numeric& right) noexcept;
    friend bool operator==(const numeric& left, const numeric& right) noexcept
    {
        return (left <=> right) == std::weak_ordering::equivalent;
    }

private:
    // The wire's own codes.
    enum sign_code : std::uint16_t {
        positive = 0x0000,
        negative = 0x4000,
        not_a_number = 0xC000,
        plus_infinity = 0xD000,
        minus_infinity = 0xF000,
    };

    class reader;
    // Removes zeros at both ends; zero has no digits, weight 0 and no sign.
    void normalize() noexcept;
    [[nodiscard]] std::int16_t digit_at(int weight) const noexcept;
    [[nodiscard]] static std::weak_ordering compare_magnitude(const numeric& left, const numeric& right) noexcept;

    // Digits to the base 10000, the first one worth 10000^weight.
    boost::container::small_vector<std::int16_t, 8> digits_;
    int weight_ = 0;
    int scale_ = 0;
    sign_code sign_ = positive;
};

} // namespace tradecore::pg
