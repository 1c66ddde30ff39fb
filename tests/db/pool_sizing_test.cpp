// SPDX-License-Identifier: Apache-2.0
#include <tradecore/db/pool_sizing.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tradecore {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

pool_options sized(std::size_t minimum, std::size_t maximum)
{
    pool_options made;
    made.minimum = minimum;
    made.maximum = maximum;
    return made;
}

server_room room(std::string name, std::size_t wanted, std::size_t max_connections)
{
    return {
        .name = name,
        .wanted = wanted,
        .server = 7,
        .role = "app",
        .database = std::move(name),
        .max_connections = max_connections,
        .reserved = 3};
}

TEST(pool_sizing, four_workers_share_the_pool_of_production)
{
    const auto share = share_of_worker(sized(20, 100), 4);
    EXPECT_EQ(share.minimum, 5U);
    EXPECT_EQ(share.maximum, 25U);
    EXPECT_EQ(recommended_max_connections(4 * share.maximum), 200U);
}

RC_GTEST_PROP(pool_sizing, all_workers_together_never_have_more_than_the_whole, ())
{
    const auto workers = *rc::gen::inRange<std::size_t>(1, 64);
    const auto maximum = *rc::gen::inRange<std::size_t>(workers, 1'000);
    const auto minimum = *rc::gen::inRange<std::size_t>(0, maximum + 1);
    const auto share = share_of_worker(sized(minimum, maximum), workers);
    RC_ASSERT(share.maximum >= 1U);
    RC_ASSERT(share.maximum * workers <= maximum);
    RC_ASSERT(maximum - share.maximum * workers < workers);
    RC_ASSERT(share.minimum * workers <= minimum);
    RC_ASSERT(share.minimum <= share.maximum);
}

TEST(pool_sizing, refuses_what_cannot_be_divided)
{
    EXPECT_THROW((void)share_of_worker(sized(0, 3), 4), std::invalid_argument);
    EXPECT_THROW((void)share_of_worker(sized(0, 3), 0), std::invalid_argument);
    database_configuration whole;
    whole.vb.emplace();
    whole.vb->pool = sized(0, 3);
    whole.workers = 4;
    try {
        (void)share_of_worker(whole);
        FAIL();
    }
    catch (const configuration_error& e) {
        EXPECT_STREQ(e.what(), "VB_PG_POOL_MAX_SIZE: 3 connections cannot be divided among 4 workers");
    }
}

TEST(pool_sizing, a_configuration_is_divided_once)
{
    database_configuration whole;
    whole.main.pool = sized(20, 100);
    whole.workers = 4;
    const auto share = share_of_worker(share_of_worker(whole));
    EXPECT_EQ(share.main.pool.maximum, 25U);
    EXPECT_EQ(share.workers, 1U);
}

TEST(pool_sizing, divides_the_connections_to_standbys_too)
{
    database_configuration whole;
    whole.main.standbys.enabled = true;
    whole.workers = 4;
    EXPECT_EQ(share_of_worker(whole).main.standbys.pool.maximum, 5U);
    whole.main.standbys.pool.maximum = 3;
    try {
        (void)share_of_worker(whole);
        FAIL();
    }
    catch (const configuration_error& e) {
        EXPECT_STREQ(e.what(), "PG_STANDBY_POOL_MAX_SIZE: 3 connections cannot be divided among 4 workers");
    }
    whole.main.standbys.enabled = false;
    EXPECT_NO_THROW((void)share_of_worker(whole));
}

TEST(pool_sizing, says_nothing_when_there_is_room)
{
    EXPECT_THAT(sizing_complaints({room("main", 97, 100)}, 1), IsEmpty());
    EXPECT_THAT(sizing_complaints({}, 1), IsEmpty());
}

TEST(pool_sizing, counts_the_pools_of_one_server_together)
{
    EXPECT_THAT(
        sizing_complaints({room("main", 100, 100), room("vb", 48, 100)}, 4),
        ElementsAre(
            "[POOL SIZING] the pools of 4 workers of main and vb may make 148 connections, but the server allows "
            "97 (max_connections = 100, 3 reserved); recommended: max_connections = 296"));
    auto elsewhere = room("vb", 60, 100);
    elsewhere.server = 8;
    EXPECT_THAT(sizing_complaints({room("main", 60, 100), elsewhere}, 4), IsEmpty());
}

TEST(pool_sizing, counts_the_pools_for_standbys_apart_from_those_of_their_primary)
{
    auto main_standby = room("main/standby", 60, 100);
    auto vb_standby = room("vb/standby", 60, 100);
    main_standby.is_standby = vb_standby.is_standby = true;
    EXPECT_THAT(sizing_complaints({room("main", 60, 100), main_standby}, 1), IsEmpty());
    EXPECT_THAT(
        sizing_complaints({room("main", 60, 100), main_standby, vb_standby}, 1),
        ElementsAre(
            "[POOL SIZING] the pool of main/standby and vb/standby may make 120 connections, but the server allows 97 "
            "(max_connections = 100, 3 reserved); recommended: max_connections = 240"));
}

TEST(pool_sizing, knows_the_limits_of_roles_and_databases)
{
    auto main = room("main", 20, 100);
    auto vb = room("vb", 20, 100);
    main.role_limit = vb.role_limit = 30;
    vb.database_limit = 10;
    EXPECT_THAT(
        sizing_complaints({main, vb}, 1),
        ElementsAre(
            "[POOL SIZING] the pool of main and vb may make 40 connections, but the role \"app\" is allowed 30 "
            "(CONNECTION LIMIT)",
            "[POOL SIZING] the pool of vb may make 20 connections, but the database \"vb\" allows 10 (CONNECTION "
            "LIMIT)"));
    vb.role = "vb_app";
    vb.database_limit = 20;
    EXPECT_THAT(sizing_complaints({main, vb}, 1), IsEmpty());
}

TEST(pool_sizing, a_server_that_reserves_everything_allows_nothing)
{
    auto full = room("main", 1, 2);
    EXPECT_THAT(sizing_complaints({full}, 1), testing::SizeIs(1));
}

} // namespace
} // namespace tradecore
