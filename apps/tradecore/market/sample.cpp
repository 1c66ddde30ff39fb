// SPDX-License-Identifier: Apache-2.0
#include "market/sample.hpp"

#include "domain/rng.hpp"

#include <algorithm>

namespace tradecore::app::market {

price_series make_sample(std::uint64_t seed, std::size_t ticks)
{
    using namespace std::chrono_literals;
    constexpr domain::int128 half = 50'000'000; // 0.5, the price step
    constexpr std::int64_t lowest = 100;        // in price steps
    constexpr std::int64_t per_mille_limit = 2;

    price_series out;
    out.symbol = sample_symbol;
    out.ticks.reserve(ticks);
    domain::rng random(seed);
    domain::timestamp time = std::chrono::sys_days{std::chrono::year{2022} / 1 / 1};
    std::int64_t steps = 80'000;
    const auto at = [](std::int64_t price) { return domain::price::from_raw(price * half); };
    for (std::size_t i = 0; i < ticks; ++i, time += 1min) {
        // The sum of two draws favours small steps, as prices do.
        const std::int64_t most = std::max<std::int64_t>(1, steps * per_mille_limit / 2000);
        steps = std::max(lowest, steps + random.between(-most, most) + random.between(-most, most));
        out.ticks.push_back({time, at(steps), at(steps + random.between(1, 4)), at(steps)});
    }
    out.digest = digest_of(out.symbol, out.ticks);
    return out;
}

} // namespace tradecore::app::market
