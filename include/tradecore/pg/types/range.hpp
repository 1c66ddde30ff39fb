// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/range_step.hpp>
#include <tradecore/pg/error.hpp>
#include <tradecore/pg/types/range_bounds.hpp>

#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

namespace tradecore::pg {

/// PostgreSQL's ranges: `int4range`, `int8range`, `numrange`, `daterange`, `tsrange`, `tstzrange` and those
/// that users create. All values from a lower to an upper bound, either of which may be missing
/// (unbounded), or no value at all (empty).
///
/// Kept as the server keeps them: bounds that do not exist do not belong to the range; ranges of whole
/// numbers and of days have their lower bound within and their upper one without, [1,5] is [1,6); a range
/// without values is `empty`, whatever it was made from. So two are equal when they have the same values.
///
/// @tparam T the bounds' type, itself readable or an argument: std::int32_t, std::int64_t, numeric, the
///         types of dates and times, also within `extended`.
template <class T>
class range {
public:
    using value_type = T;

    /// The empty range.
    range() = default;
    /// @param lower, upper nothing where the range is unbounded.
    /// @throws type_error when the lower bound is above the upper one, or when one that has to move by one
    ///         is its type's last value.
    range(std::optional<T> lower, std::optional<T> upper, range_bounds bounds = range_bounds::lower)
    {
        auto made = make(std::move(lower), std::move(upper), bounds);
        if (!made) {
            throw type_error("a range's lower bound is above its upper one, or next to its type's last value");
        }
        *this = *std::move(made);
    }

    /// As the constructor, with nothing in place of the exception.
    [[nodiscard]] static std::optional<range>
    make(std::optional<T> lower, std::optional<T> upper, range_bounds bounds = range_bounds::lower)
    {
        range made;
        made.empty_ = false;
        made.lower_within_ = lower && (static_cast<std::uint8_t>(bounds) & 1U) != 0;
        made.upper_within_ = upper && (static_cast<std::uint8_t>(bounds) & 2U) != 0;
        made.lower_ = std::move(lower);
        made.upper_ = std::move(upper);
        if (made.lower_ && made.upper_ && *made.upper_ < *made.lower_) {
            return std::nullopt;
        }
        if (made.has_no_value()) {
            return range();
        }
        if constexpr (detail::has_range_step<T>) {
            if (!made.step()) {
                return std::nullopt;
            }
            if (made.has_no_value()) {
                return range();
            }
        }
        return made;
    }

    /// All values: unbounded at both ends.
    [[nodiscard]] static range all() { return range(std::nullopt, std::nullopt); }

    [[nodiscard]] bool is_empty() const noexcept { return empty_; }
    /// @returns the bound; nothing where it is unbounded, or empty.
    [[nodiscard]] const std::optional<T>& lower() const noexcept { return lower_; }
    [[nodiscard]] const std::optional<T>& upper() const noexcept { return upper_; }
    /// @returns whether the bound exists and belongs to the range.
    [[nodiscard]] bool lower_within() const noexcept { return lower_within_; }
    [[nodiscard]] bool upper_within() const noexcept { return upper_within_; }

    [[nodiscard]] bool contains(const T& value) const
    {
        const bool above = !lower_ || *lower_ < value || (lower_within_ && *lower_ == value);
        const bool below = !upper_ || value < *upper_ || (upper_within_ && *upper_ == value);
        return !empty_ && above && below;
    }

    friend bool operator==(const range&, const range&) = default;

private:
    [[nodiscard]] bool has_no_value() const
    {
        return lower_ && upper_ && !(lower_within_ && upper_within_) && !(*lower_ < *upper_);
    }

    // Moves a bound of a type with a next value to where the server has it.
    [[nodiscard]] bool step()
    {
        using steps = detail::range_step<T>;
        if (lower_ && !lower_within_ && steps::moves(*lower_)) {
            lower_ = steps::next(*lower_);
            lower_within_ = true;
            if (!lower_) {
                return false;
            }
        }
        if (upper_ && upper_within_ && steps::moves(*upper_)) {
            upper_ = steps::next(*upper_);
            upper_within_ = false;
            if (!upper_) {
                return false;
            }
        }
        return true;
    }

    std::optional<T> lower_;
    std::optional<T> upper_;
    bool lower_within_ = false;
    bool upper_within_ = false;
    bool empty_ = true;
};

} // namespace tradecore::pg

#include <tradecore/pg/codec/range_traits.hpp>
