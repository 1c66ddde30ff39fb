// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace tradecore;
using namespace tradecore::test;

/// Many times what any buffer on the way holds.
constexpr std::size_t large = std::size_t{32} << 20U;

TEST(large_values, go_and_come_by_every_way)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const std::string sent(large, 'x');
        // Not EXPECT_EQ: nobody wants to read them.
        EXPECT_TRUE(co_await db->fetchval<std::string>("SELECT $1::text", sent) == sent);
        co_await db->run_script(
            {"CREATE TEMP TABLE t (value text); ALTER TABLE t ALTER value SET STORAGE EXTERNAL", nullptr});
        EXPECT_EQ(co_await db->copy_in("t", {"value"}, std::vector<std::string_view>{sent}), 1U);
        EXPECT_EQ(co_await db->execute_many("INSERT INTO t VALUES ($1)", std::vector<std::string_view>{sent}), 1U);
        auto rows = co_await db->cursor<std::string>(pg::cursor_options{.rows = 1}, "SELECT value FROM t");
        for (int i = 0; i < 2; ++i) {
            const auto slice = co_await rows.next();
            EXPECT_TRUE(slice.size() == 1 && slice[0] == sent);
        }
        EXPECT_TRUE((co_await rows.next()).empty());
        auto copied = co_await db->copy_out<std::string>("SELECT value FROM t");
        for (int i = 0; i < 2; ++i) {
            const auto slice = co_await copied.next();
            EXPECT_TRUE(slice.size() == 1 && slice[0] == sent);
        }
        EXPECT_TRUE((co_await copied.next()).empty());
        co_await expect_usable(db);
    });
}

} // namespace
