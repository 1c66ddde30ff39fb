// SPDX-License-Identifier: Apache-2.0
#include "readmodel/amount_traits.hpp"

#include <array>
#include <cstdint>

namespace tradecore::app::readmodel::detail {

namespace {

constexpr int base = 10'000;
// Two digits to the base 10000 are the 8 decimals.
constexpr int decimal_groups = 2;
// 38 decimal digits are at most ten.
constexpr std::size_t most_groups = 10;

constexpr std::int16_t sign_positive = 0x0000;
constexpr std::int16_t sign_negative = 0x4000;

} // namespace

void write_amount(domain::int128 raw, pg::parameter_writer& to)
{
    const bool negative = raw < 0;
    domain::int128 rest = negative ? -raw : raw;
    std::array<std::int16_t, most_groups> groups{}; // the last decimals first
    std::size_t count = 0;
    for (; rest != 0; rest /= base)
        groups[count++] = static_cast<std::int16_t>(rest % base);
    std::size_t first = 0;
    while (first < count && groups[first] == 0)
        ++first;
    to.append(static_cast<std::int16_t>(count - first));
    // The weight of the first group as an exponent of the base.
    to.append(static_cast<std::int16_t>(count == 0 ? 0 : static_cast<int>(count) - 1 - decimal_groups));
    to.append(negative ? sign_negative : sign_positive);
    to.append(static_cast<std::int16_t>(domain::detail::amount_scale));
    for (std::size_t i = count; i > first; --i)
        to.append(groups[i - 1]);
}

domain::int128 read_amount(const pg::field& from, const std::string& cpp_type)
{
    const pg::numeric value = from.decode<pg::numeric>();
    if (const auto units = value.to_scaled(domain::detail::amount_scale))
        return *units;
    try {
        return domain::amount::parse(value.to_string()).raw();
    }
    catch (const domain::amount_error& error) {
        from.refuse(cpp_type, error.what());
    }
}

} // namespace tradecore::app::readmodel::detail
