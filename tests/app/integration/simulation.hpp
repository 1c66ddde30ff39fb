// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/child_process.hpp"
#include "support/postgres.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace tradecore::app::testing {

using arguments = std::vector<std::string>;

inline constexpr auto traders = "7";
inline constexpr auto orders = "210";

/// `tradecore simulate` on two databases of its own.
class simulation : public ::testing::Test {
protected:
    [[nodiscard]] std::map<std::string, std::string> environment() const
    {
        return {{"POSTGRES_DSN", main_.dsn()}, {"VB_POSTGRES_DSN", vb_.dsn()}, {"TRADECORE_LOG", "error"}};
    }

    static arguments command(arguments further)
    {
        arguments all{TRADECORE_BINARY, "simulate", "--traders", traders, "--orders", orders, "--json"};
        all.insert(all.end(), further.begin(), further.end());
        return all;
    }

    boost::json::object simulate(const arguments& further) const
    {
        const auto done = test::run_program(command(further), environment());
        EXPECT_EQ(done.status, 0) << done.err << done.out;
        return done.status == 0 ? boost::json::parse(done.out).as_object() : boost::json::object();
    }

    test::scratch_database main_{"sim"};
    test::scratch_database vb_{"sim_vb"};
};

inline void expect_sound(const boost::json::object& report)
{
    ASSERT_TRUE(report.contains("ok"));
    EXPECT_TRUE(report.at("ok").as_bool());
    const auto& counts = report.at("orders").as_object();
    const auto count = [&](const char* name) { return counts.at(name).as_int64(); };
    EXPECT_EQ(count("placed"), std::stoi(orders));
    EXPECT_EQ(count("placed"), count("filled") + count("cancelled") + count("rejected") + count("open"));
    EXPECT_GT(count("filled"), 0);
    for (const auto* name :
         {"prices", "traders", "workers", "commands", "events", "sync", "commands_per_s", "digest", "checks"})
        EXPECT_TRUE(report.contains(name)) << name;
    EXPECT_GT(report.at("checks").as_array().size(), 10U);
}

} // namespace tradecore::app::testing
