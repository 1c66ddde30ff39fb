// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/types/range.hpp>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace tradecore::pg {

/// PostgreSQL's multiranges (from server version 14): ranges in order, none empty, with gaps between them.
/// What is given is brought into that form, as the server does.
///
/// @tparam T as of `range`.
template <class T>
class multirange {
public:
    using value_type = range<T>;

    /// No range.
    multirange() = default;
    explicit multirange(std::vector<range<T>> ranges) : ranges_(std::move(ranges)) { normalize(); }
    multirange(std::initializer_list<range<T>> ranges) : multirange(std::vector<range<T>>(ranges)) {}

    [[nodiscard]] bool is_empty() const noexcept { return ranges_.empty(); }
    [[nodiscard]] const std::vector<range<T>>& ranges() const noexcept { return ranges_; }
    [[nodiscard]] bool contains(const T& value) const
    {
        return std::any_of(ranges_.begin(), ranges_.end(), [&](const range<T>& part) { return part.contains(value); });
    }

    friend bool operator==(const multirange&, const multirange&) = default;

private:
    static bool begins_before(const range<T>& left, const range<T>& right)
    {
        if (!left.lower() || !right.lower()) {
            return !left.lower() && right.lower();
        }
        if (*left.lower() == *right.lower()) {
            return left.lower_within() && !right.lower_within();
        }
        return *left.lower() < *right.lower();
    }
    static bool ends_before(const range<T>& left, const range<T>& right)
    {
        if (!left.upper() || !right.upper()) {
            return left.upper() && !right.upper();
        }
        if (*left.upper() == *right.upper()) {
            return !left.upper_within() && right.upper_within();
        }
        return *left.upper() < *right.upper();
    }
    // Whether no value lies between the two; `left` begins no later.
    static bool touch(const range<T>& left, const range<T>& right)
    {
        if (!left.upper() || !right.lower()) {
            return true;
        }
        if (*left.upper() == *right.lower()) {
            return left.upper_within() || right.lower_within();
        }
        return *right.lower() < *left.upper();
    }
    static range<T> from_one_to_other(const range<T>& first, const range<T>& last)
    {
        const auto bounds = (first.lower_within() ? 1 : 0) | (last.upper_within() ? 2 : 0);
        return {first.lower(), last.upper(), static_cast<range_bounds>(bounds)};
    }

    void normalize()
    {
        std::erase_if(ranges_, [](const range<T>& part) { return part.is_empty(); });
        std::sort(ranges_.begin(), ranges_.end(), begins_before);
        std::vector<range<T>> merged;
        merged.reserve(ranges_.size());
        for (auto& part : ranges_) {
            if (merged.empty() || !touch(merged.back(), part)) {
                merged.push_back(std::move(part));
            }
            else if (ends_before(merged.back(), part)) {
                merged.back() = from_one_to_other(merged.back(), part);
            }
        }
        ranges_ = std::move(merged);
    }

    std::vector<range<T>> ranges_;
};

} // namespace tradecore::pg

#include <tradecore/pg/codec/multirange_traits.hpp>
