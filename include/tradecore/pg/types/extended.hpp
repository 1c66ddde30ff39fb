// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/error.hpp>

#include <compare>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace tradecore::pg {

/// A date or a time that may be infinite: PostgreSQL's `date`, `timestamp` and `timestamptz` know
/// `-infinity` and `infinity`, which `std::chrono` does not.
///
/// Read such a column as `extended<T>` to have all of its values; read as plain `T`, an infinite value is a
/// type_error. As an argument either goes.
///
/// @tparam T std::chrono::sys_days, std::chrono::year_month_day, std::chrono::local_days,
///         tradecore::timestamptz, or std::chrono::local_time of microseconds.
template <class T>
class extended {
public:
    using value_type = T;

    /// The finite `T{}`.
    constexpr extended() = default;
    /// A finite value.
    constexpr extended(T value) noexcept(std::is_nothrow_move_constructible_v<T>) : value_(std::move(value)) {}

    [[nodiscard]] static constexpr extended infinity() noexcept { return extended(side{1}); }
    [[nodiscard]] static constexpr extended minus_infinity() noexcept { return extended(side{-1}); }

    [[nodiscard]] constexpr bool is_finite() const noexcept { return side_ == 0; }
    [[nodiscard]] constexpr bool is_infinity() const noexcept { return side_ > 0; }
    [[nodiscard]] constexpr bool is_minus_infinity() const noexcept { return side_ < 0; }

    /// @throws type_error when it is infinite.
    [[nodiscard]] constexpr const T& value() const
    {
        if (side_ != 0) {
            throw type_error(side_ > 0 ? "infinity is no finite value" : "-infinity is no finite value");
        }
        return value_;
    }

    /// Minus infinity is below and infinity above all else, and each equals itself.
    friend constexpr auto operator<=>(const extended& left, const extended& right)
        -> decltype(std::declval<const T&>() <=> std::declval<const T&>())
    {
        if (left.side_ != right.side_ || left.side_ != 0) {
            return left.side_ <=> right.side_;
        }
        return left.value_ <=> right.value_;
    }
    friend constexpr bool operator==(const extended& left, const extended& right)
    {
        return left.side_ == right.side_ && left.value_ == right.value_;
    }

private:
    enum class side : std::int8_t {};
    constexpr explicit extended(side which) noexcept : side_(static_cast<std::int8_t>(which)) {}

    T value_{};
    // The infinities keep T{} as value_, so that they are equal to themselves.
    std::int8_t side_ = 0;
};

template <class T>
inline constexpr bool is_extended = false;
template <class T>
inline constexpr bool is_extended<extended<T>> = true;

} // namespace tradecore::pg
