// SPDX-License-Identifier: Apache-2.0
#include "market/price_series.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace tradecore::app::market {

namespace {

__extension__ typedef unsigned __int128 uint128; // NOLINT(modernize-use-using)

constexpr uint128 join(std::uint64_t high, std::uint64_t low)
{
    return (static_cast<uint128>(high) << 64) | low;
}

class fnv {
public:
    void byte(std::uint8_t value)
    {
        state_ ^= value;
        state_ *= join(0x0000000001000000ULL, 0x000000000000013bULL);
    }

    void number(uint128 value, int bytes)
    {
        for (int i = 0; i < bytes; ++i, value >>= 8)
            byte(static_cast<std::uint8_t>(value));
    }

    std::string text() const
    {
        return fmt::format(
            "{:016x}{:016x}", static_cast<std::uint64_t>(state_ >> 64), static_cast<std::uint64_t>(state_));
    }

private:
    uint128 state_ = join(0x6c62272e07bb0142ULL, 0x62b821756295c58dULL);
};

} // namespace

std::string digest_of(std::string_view symbol, const std::vector<tick>& ticks)
{
    fnv hash;
    hash.number(symbol.size(), 8);
    for (const char c : symbol)
        hash.byte(static_cast<std::uint8_t>(c));
    for (const tick& at : ticks) {
        hash.number(static_cast<uint128>(at.time.time_since_epoch().count()), 8);
        hash.number(static_cast<uint128>(at.bid.raw()), 16);
        hash.number(static_cast<uint128>(at.ask.raw()), 16);
        hash.number(static_cast<uint128>(at.mark.raw()), 16);
    }
    return hash.text();
}

bool is_symbol(std::string_view text)
{
    constexpr std::size_t longest = 32;
    return !text.empty() && text.size() <= longest && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view{"._:/-"}.find(c) != std::string_view::npos;
    });
}

std::string to_csv(const price_series& series)
{
    std::string out = "timestamp,symbol,bid,ask,close\n";
    for (const tick& at : series.ticks)
        fmt::format_to(
            std::back_inserter(out), "{},{},{},{},{}\n", domain::to_text(at.time), series.symbol, at.bid.text(),
            at.ask.text(), at.mark.text());
    return out;
}

} // namespace tradecore::app::market
