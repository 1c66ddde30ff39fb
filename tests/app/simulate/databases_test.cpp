// SPDX-License-Identifier: Apache-2.0
#include "simulate/databases.hpp"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

namespace {

using namespace tradecore;
using app::simulate::databases;
using app::simulate::options;

environment with(std::map<std::string, std::string> variables)
{
    variables.emplace("POSTGRES_DSN", "postgresql:///main");
    variables.emplace("VB_POSTGRES_DSN", "postgresql:///vb");
    return [variables](std::string_view name) -> std::optional<std::string> {
        const auto found = variables.find(std::string(name));
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
}

struct sizes {
    std::size_t main = 0;
    std::size_t vb = 0;

    bool operator==(const sizes&) const = default;
};

options asked(std::uint32_t workers, std::optional<std::size_t> connections = std::nullopt)
{
    options made;
    made.workers = workers;
    made.connections = connections;
    return made;
}

sizes sizes_of(const options& wanted, std::map<std::string, std::string> variables = {})
{
    const databases made(wanted, with(std::move(variables)));
    return {made.main_options().pool.maximum, made.vb_options().pool.maximum};
}

sizes minima_of(const options& wanted, std::map<std::string, std::string> variables = {})
{
    const databases made(wanted, with(std::move(variables)));
    return {made.main_options().pool.minimum, made.vb_options().pool.minimum};
}

std::string problem(const options& wanted, std::map<std::string, std::string> variables)
{
    try {
        static_cast<void>(sizes_of(wanted, std::move(variables)));
    }
    catch (const configuration_error& error) {
        return error.what();
    }
    return "accepted";
}

TEST(pools_of_a_simulation, are_whole_for_one_process)
{
    EXPECT_EQ(sizes_of(asked(1)), (sizes{16, 16}));
    EXPECT_EQ(sizes_of(asked(1, 5)), (sizes{5, 5}));
    EXPECT_EQ(sizes_of(asked(1), {{"PG_POOL_MAX_SIZE", "30"}}), (sizes{30, 16}));
}

TEST(pools_of_a_simulation, are_divided_among_workers_and_the_process_that_starts_them)
{
    EXPECT_EQ(sizes_of(asked(3, 16)), (sizes{4, 4}));
    EXPECT_EQ(sizes_of(asked(3, 4)), (sizes{1, 1}));
    EXPECT_EQ(sizes_of(asked(4), {{"PG_POOL_MAX_SIZE", "100"}, {"VB_PG_POOL_MAX_SIZE", "49"}}), (sizes{20, 9}));
}

TEST(pools_of_a_simulation, have_two_connections_each_when_nobody_says_how_many)
{
    EXPECT_EQ(sizes_of(asked(7)), (sizes{2, 2}));
    EXPECT_EQ(sizes_of(asked(64)), (sizes{2, 2}));
}

TEST(pools_of_a_simulation, are_refused_when_somebody_would_have_no_connection)
{
    EXPECT_EQ(
        problem(asked(3, 3), {}),
        "--connections: 3 connections are too few for 3 workers and the process that starts them");
    EXPECT_EQ(
        problem(asked(2), {{"VB_PG_POOL_MAX_SIZE", "2"}}),
        "VB_PG_POOL_MAX_SIZE: 2 connections are too few for 2 workers and the process that starts them");
    EXPECT_EQ(
        problem(asked(64), {{"VB_PG_POOL_MIN_SIZE", "10"}}), "VB_PG_POOL_MAX_SIZE: 50 connections, the default, are "
                                                             "too few for 64 workers and the process that starts them");
}

TEST(pools_of_a_simulation, are_those_of_the_configuration_where_the_environment_names_a_size)
{
    const std::map<std::string, std::string> minimum{{"PG_POOL_MIN_SIZE", "20"}};
    EXPECT_EQ(sizes_of(asked(1), minimum), (sizes{100, 16}));
    EXPECT_EQ(minima_of(asked(1), minimum), (sizes{20, 4}));
    const std::map<std::string, std::string> maximum{{"VB_PG_POOL_MAX_SIZE", "30"}};
    EXPECT_EQ(sizes_of(asked(1), maximum), (sizes{16, 30}));
    EXPECT_EQ(minima_of(asked(1), maximum), (sizes{4, 10}));
    EXPECT_EQ(
        problem(asked(1), {{"PG_POOL_MIN_SIZE", "200"}}),
        "PG_POOL_MIN_SIZE: 200 is above PG_POOL_MAX_SIZE, which is 100 by default");
}

TEST(pools_of_a_simulation, have_the_sizes_of_the_command_whatever_the_environment_says)
{
    const std::map<std::string, std::string> sized{{"PG_POOL_MIN_SIZE", "20"}, {"VB_PG_POOL_MAX_SIZE", "30"}};
    EXPECT_EQ(sizes_of(asked(1, 16), sized), (sizes{16, 16}));
    EXPECT_EQ(minima_of(asked(1, 16), sized), (sizes{4, 4}));
    EXPECT_EQ(minima_of(asked(1, 2), sized), (sizes{2, 2}));
}

/// What a pool does, but for its sizes.
std::string treatment(const pool_options& pool)
{
    std::string text;
    for (const auto time :
         {pool.acquire_timeout, pool.idle_check_after, pool.validation_timeout, pool.keepalive_time, pool.idle_timeout,
          pool.max_lifetime, pool.leak_detection, pool.slow_acquire, pool.sharing.patience})
        text += std::to_string(time.count()) + " ";
    return text + std::to_string(pool.maximum_connecting) + " " + std::to_string(pool.sharing.window) + " " +
           std::to_string(pool.exhaustion_threshold) + (pool.sharing.enabled ? " shared" : " alone");
}

TEST(pools_of_a_simulation, are_treated_as_the_environment_says_also_when_the_command_says_how_large_they_are)
{
    std::map<std::string, std::string> set{
        {"DB_POOL_EXHAUSTION_THRESHOLD", "0.5"}, {"DB_SLOW_ACQUIRE_THRESHOLD_MS", "1"}};
    for (const std::string prefix : {"", "VB_"})
        for (const auto& [name, value] : std::map<std::string, std::string>{
                 {"PG_POOL_TIMEOUT_SEC", "2"},
                 {"PG_POOL_MAX_CONNECTING", "3"},
                 {"PG_POOL_IDLE_CHECK_SEC", "4"},
                 {"PG_POOL_VALIDATION_TIMEOUT_SEC", "5"},
                 {"PG_POOL_KEEPALIVE_SEC", "6"},
                 {"PG_POOL_IDLE_TIMEOUT_SEC", "7"},
                 {"PG_POOL_MAX_LIFETIME_SEC", "8"},
                 {"PG_POOL_LEAK_DETECTION_SEC", "9"},
                 {"PG_POOL_SHARING", "false"},
                 {"PG_POOL_SHARING_WINDOW", "10"},
                 {"PG_POOL_SHARING_PATIENCE_MS", "11"}})
            set.emplace(prefix + name, value);
    const auto read = read_configuration(with(set));
    for (const auto connections : {std::optional<std::size_t>(), std::optional<std::size_t>(16)}) {
        const databases made(asked(1, connections), with(set));
        EXPECT_EQ(treatment(made.main_options().pool), treatment(read.main.pool));
        EXPECT_EQ(treatment(made.vb_options().pool), treatment(read.vb->pool));
    }
    EXPECT_EQ(treatment(read.main.pool), "2000 4000 5000 6000 7000 8000 9000 1 11 3 10 0.500000 alone");
}

} // namespace
