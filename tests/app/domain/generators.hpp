// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/events.hpp"

#include <boost/multiprecision/cpp_int.hpp>
#include <rapidcheck.h>

/// Random values of the domain for property tests.
namespace tradecore::app::testing {

using big = boost::multiprecision::cpp_int;

inline big to_big(domain::int128 value)
{
    const bool negative = value < 0;
    const domain::int128 size = negative ? -value : value;
    big out = static_cast<std::uint64_t>(size >> 64);
    out <<= 64;
    out += static_cast<std::uint64_t>(size);
    return negative ? big(-out) : out;
}

/// Raw values of every magnitude up to the limit, either sign.
inline rc::Gen<domain::int128> raw_amount()
{
    return rc::gen::map(
        rc::gen::tuple(
            rc::gen::arbitrary<std::uint64_t>(), rc::gen::arbitrary<std::uint64_t>(), rc::gen::inRange(0, 127),
            rc::gen::arbitrary<bool>()),
        [](const auto& drawn) {
            const auto& [high, low, shift, negative] = drawn;
            const auto wide = (static_cast<domain::int128>(high >> 1) << 64) | static_cast<domain::int128>(low);
            const domain::int128 size = (wide >> shift) % (domain::detail::amount_max + 1);
            return negative ? -size : size;
        });
}

template <class Fixed>
rc::Gen<Fixed> any_fixed()
{
    return rc::gen::map(raw_amount(), [](domain::int128 raw) { return Fixed::from_raw(raw); });
}

inline rc::Gen<domain::uuid> any_uuid()
{
    return rc::gen::map(
        rc::gen::arbitrary<std::uint64_t>(), [](std::uint64_t seed) { return domain::trader_id(seed, 0, "any"); });
}

inline rc::Gen<domain::timestamp> any_time()
{
    // The years 1 to 9999.
    return rc::gen::map(rc::gen::inRange<std::int64_t>(-62135596800, 253402300799), [](std::int64_t second) {
        return domain::timestamp(std::chrono::seconds(second) + std::chrono::microseconds(second & 0xffff));
    });
}

} // namespace tradecore::app::testing
