// SPDX-License-Identifier: Apache-2.0
#include "domain/ids.hpp"

#include <gtest/gtest.h>

#include <set>

namespace tradecore::app::domain {
namespace {

TEST(ids, are_version_5_uuids)
{
    // RFC 9562, appendix A.4: the name www.example.com in the namespace of DNS names.
    const uuid dns = parse_uuid("6ba7b810-9dad-11d1-80b4-00c04fd430c8").value_or(uuid{});
    EXPECT_EQ(to_text(uuid5(dns, "www.example.com")), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

TEST(ids, never_change)
{
    // Kept databases hold these.
    EXPECT_EQ(to_text(trader_id(42, 7, "account")), to_text(uuid5(tradecore_namespace, "42/7/account")));
    EXPECT_EQ(to_text(step_id(42, 7, 3, "order")), to_text(uuid5(tradecore_namespace, "42/7/3/order")));
    EXPECT_EQ(to_text(tradecore_namespace), "5b0f2c1e-8d47-4a63-9e21-7cd406b83f95");
    EXPECT_EQ(trader_ids::of(42, 7).account, trader_id(42, 7, "account"));
}

TEST(ids, differ_by_seed_trader_step_and_purpose)
{
    std::set<uuid> seen;
    std::size_t made = 0;
    for (std::uint64_t seed = 1; seed <= 12; ++seed)
        for (std::uint32_t trader = 1; trader <= 12; ++trader)
            for (std::uint32_t step = 1; step <= 12; ++step)
                for (const auto* what : {"order", "place", "cancel"}) {
                    seen.insert(step_id(seed, trader, step, what));
                    ++made;
                }
    EXPECT_EQ(seen.size(), made);
}

TEST(ids, read_only_their_own_text)
{
    const std::string text = "2ed6657d-e927-568b-95e1-2665a8aea6a2";
    EXPECT_EQ(to_text(parse_uuid("2ED6657D-e927-568b-95e1-2665a8aea6a2").value_or(uuid{})), text);
    EXPECT_FALSE(parse_uuid(""));
    EXPECT_FALSE(parse_uuid("{" + text + "}"));
    EXPECT_FALSE(parse_uuid("2ed6657de927-568b-95e1-2665a8aea6a2-"));
    EXPECT_FALSE(parse_uuid("2ed6657d-e927-568b-95e1-2665a8aea6ag"));
    EXPECT_FALSE(parse_uuid("2ed6657de927568b95e12665a8aea6a2"));
}

} // namespace
} // namespace tradecore::app::domain
