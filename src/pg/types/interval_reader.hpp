// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/codec/text_scanner.hpp"

#include <tradecore/pg/types/interval.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace tradecore::pg::detail {

/// Reads the server's output of intervals in each of its four styles.
class interval_reader {
public:
    explicit interval_reader(std::string_view text) noexcept : from_(text) {}

    [[nodiscard]] std::optional<interval> run() noexcept;

private:
    // Sums are taken in 128 bits: parts may go beyond the result that they make up.
    __extension__ using wide = __int128;

    // A number with its sign, and what stood behind a point as millionths with the same sign.
    struct number {
        std::int64_t whole = 0;
        int millionths = 0;
        bool negative = false;
        bool is_signed = false;
    };

    bool read_iso() noexcept;
    bool read_words() noexcept;
    bool read_token() noexcept;
    bool read_number(number& value) noexcept;
    bool read_clock(const number& hours) noexcept;
    bool add(char unit, const number& value) noexcept;
    [[nodiscard]] std::optional<interval> result() const noexcept;

    text_scanner from_;
    wide months_ = 0;
    wide days_ = 0;
    wide micros_ = 0;
    // In sql_standard a minus before the first field, with no sign before others, is one of all fields.
    bool leading_minus_ = false;
    bool first_ = true;
};

} // namespace tradecore::pg::detail
