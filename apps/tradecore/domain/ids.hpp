// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/uuid/uuid.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::app::domain {

using uuid = boost::uuids::uuid;

/// What: the namespace of every id this program derives; drawn once at random, never to change: the ids of kept
///   databases hang on it.
inline constexpr uuid tradecore_namespace{
    {0x5b, 0x0f, 0x2c, 0x1e, 0x8d, 0x47, 0x4a, 0x63, 0x9e, 0x21, 0x7c, 0xd4, 0x06, 0xb8, 0x3f, 0x95}};

/// What: the version 5 UUID of `name` in `space`. Source: RFC 4122 section 4.3.
/// Thread safety: any thread.
uuid uuid5(const uuid& space, std::string_view name);

/// What: 8-4-4-4-12 in lower case.
std::string to_text(const uuid& id);

/// What: the id written as 8-4-4-4-12, either case; nothing when the text is anything else.
std::optional<uuid> parse_uuid(std::string_view text);

/// What: the id for "seed/trader/what", e.g. ids of the aggregates of one trader.
uuid trader_id(std::uint64_t seed, std::uint32_t trader, std::string_view what);

/// What: the id for "seed/trader/step/what", e.g. the order of a step and the commands on it.
uuid step_id(std::uint64_t seed, std::uint32_t trader, std::uint32_t step, std::string_view what);

/// What: the ids of a trader's aggregates in the main system.
struct trader_ids {
    uuid user;
    uuid account;
    uuid connection;

    static trader_ids of(std::uint64_t seed, std::uint32_t trader);
};

} // namespace tradecore::app::domain
