// SPDX-License-Identifier: Apache-2.0
#include "db/exception_text.hpp"
#include "db/pool_core.hpp"
#include "db/to_ms.hpp"

#include <tradecore/db/errors.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace tradecore::detail {
namespace {

constexpr std::size_t named_holders = 5;

} // namespace

std::string text_of(const usage& user)
{
    constexpr std::size_t label_length = 80;
    std::string text(user.kind);
    if (!user.label.empty())
        text += " " + shorten(user.label, label_length);
    if (const auto place = place_of(user.where); !place.empty())
        text += " at " + place;
    return text;
}

std::exception_ptr pool_core::timeout_reason(clock::time_point since)
{
    const auto waited = to_ms(clock::now() - since).count();
    const auto numbers = state_.stats();
    if (state_.is_suspended()) {
        ++counted_.timeouts_suspended;
        return std::make_exception_ptr(pool_timeout(
            db_errc::pool_exhausted,
            fmt::format(
                "pool '{}': no connection within {} ms: the pool is suspended; {} of {} connections are in use", name_,
                waited, numbers.active, numbers.size)));
    }
    // With the pool at its size nobody connects: then the others' use is the reason, whatever happened before.
    if (last_connect_error_ && numbers.size < numbers.maximum) {
        ++counted_.timeouts_cannot_connect;
        return std::make_exception_ptr(pool_timeout(
            db_errc::pool_cannot_connect,
            fmt::format(
                "pool '{}': no connection within {} ms, connecting fails: {}", name_, waited,
                what_of(last_connect_error_)),
            last_connect_error_));
    }
    ++counted_.timeouts_busy;
    if (numbers.active < numbers.maximum) {
        return std::make_exception_ptr(pool_timeout(
            db_errc::pool_exhausted,
            fmt::format(
                "pool '{}': no connection within {} ms: {} of at most {} are in use, {} are being made; {}", name_,
                waited, numbers.active, numbers.maximum, numbers.connecting, holders())));
    }
    return std::make_exception_ptr(pool_timeout(
        db_errc::pool_exhausted, fmt::format(
                                     "pool '{}': no connection within {} ms: all {} are in use; {}", name_, waited,
                                     numbers.maximum, holders())));
}

std::string pool_core::holders(std::optional<slot> handed_over) const
{
    std::vector<slot> lent;
    for (slot which = 0; which < entries_.size(); ++which) {
        const entry& one = entries_[which];
        // What has just been given back is on its way to who is first in line: nobody holds it.
        const bool is_held = one.is_lent || one.users.front().kind != usage().kind;
        if (one.connection && is_held && which != handed_over && !state_.is_idle(which))
            lent.push_back(which);
    }
    std::ranges::sort(lent, {}, [this](slot which) { return entries_[which].since; });
    std::string text;
    const auto now = clock::now();
    if (handed_over) {
        const entry& had = entries_[*handed_over];
        text = fmt::format("waited for {} ({} ms)", text_of(had.users.front()), to_ms(now - had.since).count());
    }
    for (std::size_t i = 0; i < lent.size(); ++i) {
        if (i == named_holders)
            return text + fmt::format(", and {} more", lent.size() - named_holders);
        const entry& one = entries_[lent[i]];
        text += (i > 0 ? ", " : text.empty() ? "held longest by " : "; held longest by ");
        text += text_of(one.users.front());
        if (const auto users = sharing_.users(lent[i]); users > 1)
            text += fmt::format(" with {} more", users - 1);
        text += fmt::format(" for {} ms", to_ms(now - one.since).count());
    }
    return text.empty() ? "nobody holds one" : text;
}

} // namespace tradecore::detail
