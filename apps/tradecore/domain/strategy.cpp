// SPDX-License-Identifier: Apache-2.0
#include "domain/strategy.hpp"

#include "domain/rng.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace tradecore::app::domain {

namespace {

enum class style { market, marketable, near, far };

// Everything random about a step, drawn in a fixed order so that one draw never shifts another.
struct draws {
    std::int64_t jitter_ppm;
    bool with_previous;
    style kind;
    std::int64_t basis_points; ///< distance of the limit from the price
    std::int64_t cancel_after; ///< ticks, 0 for never
    bool too_large;
    std::int64_t side_per_mille;
    std::int64_t size_per_mille;
};

draws draw(std::uint64_t seed, std::uint32_t trader, std::uint32_t step)
{
    rng random(seed, trader, step);
    draws out{};
    out.jitter_ppm = random.between(0, 999'999);
    out.with_previous = random.chance(15);
    const std::int64_t roll = random.between(0, 99);
    const std::int64_t distance = random.between(0, 999);
    const std::int64_t patience = random.between(0, 9'999);
    const std::int64_t whether = random.between(0, 99);
    if (roll < 50) {
        out.kind = style::market;
        // The rest of a market order that fills over several ticks.
        out.cancel_after = whether < 6 ? 1 : 0;
    }
    else if (roll < 70) {
        out.kind = style::marketable;
        out.basis_points = distance % 20;
        // Its first chance to fill is the next tick, and so is the cancel's.
        out.cancel_after = whether < 20 ? 1 : 0;
    }
    else if (roll < 90) {
        out.kind = style::near;
        out.basis_points = 5 + distance % 60;
        out.cancel_after = whether < 25 ? 1 + patience % 120 : 0;
    }
    else {
        out.kind = style::far;
        out.basis_points = 300 + distance * 2;
        out.cancel_after = whether < 80 ? 10 + patience / 2 : 0;
    }
    out.too_large = random.chance(3);
    out.side_per_mille = random.between(0, 999);
    out.size_per_mille = random.between(0, 999);
    return out;
}

constexpr int128 ten_thousandth = detail::amount_one / 10'000;

// 0.0001, or more where that is worth less than one unit of money.
int128 size_unit(price at)
{
    int128 unit = ten_thousandth;
    while (unit < detail::amount_one && notional_of(at, quantity::from_raw(unit)) < money::whole(1))
        unit *= 10;
    return unit;
}

// Limits carry about five digits, as quoted prices do.
price rounded(int128 raw)
{
    int128 step = 1;
    while (step * 1'000'000 <= raw)
        step *= 10;
    return price::from_raw(std::max<int128>(1, raw - raw % step));
}

constexpr int128 part(int128 whole, std::int64_t per_mille)
{
    return whole / 1000 * per_mille + whole % 1000 * per_mille / 1000;
}

// How much money buys, fee aside, in raw quantity.
int128 affordable(money cash, price ask)
{
    constexpr int128 most = std::numeric_limits<std::int64_t>::max();
    const int128 cents = std::min(cash.raw(), most);
    return cents * detail::amount_one / ask.raw();
}

} // namespace

strategy::strategy(std::uint64_t seed, std::uint32_t trader, std::uint32_t orders, std::int64_t ticks)
    : seed_(seed), trader_(trader)
{
    if (ticks <= 0)
        return;
    steps_.reserve(orders);
    for (std::uint32_t step = 0; step < orders; ++step) {
        const draws drawn = draw(seed, trader, step);
        const std::int64_t begin = step * ticks / orders;
        const std::int64_t width = (step + 1) * ticks / orders - begin;
        planned_step planned{begin + width * drawn.jitter_ppm / 1'000'000, step, std::nullopt};
        if (drawn.with_previous && !steps_.empty())
            planned.tick = steps_.back().tick;
        if (drawn.cancel_after > 0 && planned.tick + drawn.cancel_after < ticks) {
            planned.cancel_tick = planned.tick + drawn.cancel_after;
            cancels_.push_back(
                {step_id(seed, trader, step, "cancel"), step_id(seed, trader, step, "order"), *planned.cancel_tick,
                 step});
        }
        steps_.push_back(planned);
    }
    // Steps rise by construction: each has its own stretch of ticks or shares the tick before it.
    std::ranges::sort(cancels_, {}, [](const planned_cancel& c) { return std::pair(c.tick, c.step); });
}

std::span<const planned_step> strategy::steps_due(std::int64_t tick) const
{
    const auto found = std::ranges::equal_range(steps_, tick, {}, &planned_step::tick);
    return {found.begin(), found.end()};
}

std::span<const planned_cancel> strategy::cancels_due(std::int64_t tick) const
{
    const auto found = std::ranges::equal_range(cancels_, tick, {}, &planned_cancel::tick);
    return {found.begin(), found.end()};
}

std::optional<std::int64_t> strategy::next_due(std::int64_t tick) const
{
    std::optional<std::int64_t> out;
    const auto step = std::ranges::lower_bound(steps_, tick, {}, &planned_step::tick);
    if (step != steps_.end())
        out = step->tick;
    const auto cancel = std::ranges::lower_bound(cancels_, tick, {}, &planned_cancel::tick);
    if (cancel != cancels_.end() && (!out || cancel->tick < *out))
        out = cancel->tick;
    return out;
}

planned_order strategy::order_for(const planned_step& step, const market::tick& now, const account_view& account) const
{
    const draws drawn = draw(seed_, trader_, step.step);
    planned_order out;
    out.command_id = step_id(seed_, trader_, step.step, "place");
    out.order_id = step_id(seed_, trader_, step.step, "order");
    out.type = drawn.kind == style::market ? order_type::market : order_type::limit;

    // The more of the account is cash, the likelier a buy.
    const int128 cash = account.free_cash.raw();
    const int128 value = notional_of(now.bid, account.free_quantity).raw();
    const int128 weight = cash / 1000 + value / 1000 + 1;
    const auto buy_per_mille = static_cast<std::int64_t>(250 + cash / 2 / weight);
    const int128 unit = size_unit(now.ask);
    const bool can_sell = account.free_quantity.raw() >= unit;
    const bool buys = !can_sell || drawn.side_per_mille < buy_per_mille;
    out.side = buys ? side::buy : side::sell;

    int128 size = 0;
    if (buys) {
        const int128 most = affordable(account.free_cash, now.ask);
        size = drawn.too_large ? most * 3 : part(most, 10 + drawn.size_per_mille * 110 / 1000);
    }
    else {
        const int128 most = account.free_quantity.raw();
        // One sale in ten closes the position.
        size = drawn.too_large               ? most * 2
               : drawn.size_per_mille >= 900 ? most
                                             : part(most, 50 + drawn.size_per_mille / 2);
    }
    size -= size % unit;
    if (drawn.too_large && size > 0)
        size += unit;
    out.quantity = quantity::from_raw(std::max(size, unit));

    if (out.type == order_type::limit) {
        const bool upward = (drawn.kind == style::marketable) == buys;
        const int128 from = buys ? now.ask.raw() : now.bid.raw();
        const int128 offset = from / 10'000 * drawn.basis_points;
        out.limit_price = rounded(upward ? from + offset : from - offset);
    }
    return out;
}

quantity default_max_fill(money cash, price first_ask)
{
    const int128 unit = size_unit(first_ask);
    const int128 size = part(affordable(cash, first_ask), 75);
    return quantity::from_raw(std::max(unit, size - size % unit));
}

} // namespace tradecore::app::domain
