// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cstddef>
#include <string_view>

namespace tradecore::pg::detail {

/// Reads a value's text from the left; what does not match is left where it is.
class text_scanner {
public:
    explicit text_scanner(std::string_view text) noexcept : rest_(text) {}

    [[nodiscard]] bool done() const noexcept { return rest_.empty(); }
    [[nodiscard]] std::string_view rest() const noexcept { return rest_; }
    [[nodiscard]] char peek() const noexcept { return rest_.empty() ? '\0' : rest_.front(); }

    bool skip(char c) noexcept
    {
        if (!rest_.starts_with(c)) {
            return false;
        }
        rest_.remove_prefix(1);
        return true;
    }
    bool skip(std::string_view text) noexcept
    {
        if (!rest_.starts_with(text)) {
            return false;
        }
        rest_.remove_prefix(text.size());
        return true;
    }

    /// A number of `least` to `most` digits, without a sign.
    template <class T>
    bool digits(T& value, std::size_t least, std::size_t most) noexcept
    {
        value = 0;
        std::size_t count = 0;
        while (count < most && count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9') {
            value = static_cast<T>(value * 10 + (rest_[count] - '0'));
            ++count;
        }
        rest_.remove_prefix(count);
        return count >= least;
    }

    /// Up to six digits after a point, as millionths; more would be lost.
    bool fraction(int& millionths) noexcept
    {
        millionths = 0;
        if (!skip('.')) {
            return true;
        }
        const auto before = rest_.size();
        if (!digits(millionths, 1, 6)) {
            return false;
        }
        for (auto count = before - rest_.size(); count < 6; ++count) {
            millionths *= 10;
        }
        return true;
    }

    /// A number as std::from_chars reads it: no blanks and no plus before it.
    template <class T>
    bool number(T& value) noexcept
    {
        const auto [end, failed] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
        if (failed != std::errc{}) {
            return false;
        }
        rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
        return true;
    }

private:
    std::string_view rest_;
};

} // namespace tradecore::pg::detail
