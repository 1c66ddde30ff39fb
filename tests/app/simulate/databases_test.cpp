// SPDX-License-Identifier: Apache-2.0
#include "simulate/databases.hpp"

#include <gtest/gtest.h>

#include <map>
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
    const auto problem = [](const options& wanted, std::map<std::string, std::string> variables) -> std::string {
        try {
            static_cast<void>(sizes_of(wanted, std::move(variables)));
        }
        catch (const configuration_error& error) {
            return error.what();
        }
        return "accepted";
    };
    EXPECT_EQ(
        problem(asked(3, 3), {}),
        "--connections: 3 connections are too few for 3 workers and the process that starts them");
    EXPECT_TRUE(problem(asked(2), {{"VB_PG_POOL_MAX_SIZE", "2"}}).starts_with("VB_PG_POOL_MAX_SIZE: "));
}

} // namespace
