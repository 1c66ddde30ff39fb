// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/text_scanner.hpp"

#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/types/money.hpp>

namespace tradecore::pg {

std::optional<money> money::parse(std::string_view text) noexcept
{
    detail::text_scanner from(text);
    const bool negative = from.skip('-');
    (void)from.skip('$');
    // Built from the negative side, which reaches one further.
    std::int64_t value = 0;
    int digits_after_point = -1;
    bool any = false;
    while (!from.done()) {
        if (digits_after_point < 0 && any && (from.skip(',') || from.skip('.'))) {
            if (text[text.size() - from.rest().size() - 1] == '.') {
                digits_after_point = 0;
            }
            continue;
        }
        int digit = 0;
        if (!from.digits(digit, 1, 1) || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digit, &value)) {
            return std::nullopt;
        }
        any = true;
        digits_after_point += digits_after_point >= 0 ? 1 : 0;
    }
    if (digits_after_point != 2 || (!negative && __builtin_sub_overflow(std::int64_t{0}, value, &value))) {
        return std::nullopt;
    }
    return money{value};
}

std::string money::to_string() const
{
    // The magnitude of the lowest value has no signed counterpart.
    const auto magnitude = cents < 0 ? 0 - static_cast<std::uint64_t>(cents) : static_cast<std::uint64_t>(cents);
    std::string whole = std::to_string(magnitude / 100);
    for (auto at = static_cast<std::ptrdiff_t>(whole.size()) - 3; at > 0; at -= 3) {
        whole.insert(static_cast<std::size_t>(at), ",");
    }
    const auto rest = magnitude % 100;
    return (cents < 0 ? "-$" : "$") + whole + (rest < 10 ? ".0" : ".") + std::to_string(rest);
}

std::optional<money> detail::value_codec<money>::from_wire(std::string_view bytes) noexcept
{
    return bytes.size() == 8 ? std::optional(money{load<std::int64_t>(bytes)}) : std::nullopt;
}

void detail::value_codec<money>::to_wire(const money& value, parameter_writer& to)
{
    to.append(value.cents);
}

} // namespace tradecore::pg
