// SPDX-License-Identifier: Apache-2.0
#include "db/read_position.hpp"

#include <tradecore/pg/byte_order.hpp>

#include <gtest/gtest.h>

#include <string>

namespace tradecore::detail {
namespace {

pg::result saying(const std::string& text, std::size_t rows = 1)
{
    std::string row(6, '\0');
    pg::detail::store<std::int16_t>(row.data(), 1);
    pg::detail::store<std::int32_t>(row.data() + 2, static_cast<std::int32_t>(text.size()));
    row += text;
    pg::result answer;
    answer.describe(std::make_shared<const pg::row_description>(
        1, pg::column{.name = "position", .type = 25, .format = pg::wire_format::text}));
    for (std::size_t i = 0; i < rows; ++i)
        EXPECT_TRUE(answer.append_row(row));
    answer.finish("SELECT");
    return answer;
}

TEST(read_position, is_read_from_its_three_parts)
{
    const auto found = position_in(saying("50407216/3/7711431737043427027"));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->location, 50407216U);
    EXPECT_EQ(found->timeline, 3U);
    EXPECT_EQ(found->cluster, 7711431737043427027);
}

TEST(read_position, is_not_known_when_a_part_is_missing)
{
    for (const auto* text :
         {"", "/", "1", "1/2", "1/2/", "1//3", "/2/3", "1/2/3/", "1/2/3/4", "a/2/3", "1/-2/3", "1/99999999999/3",
          "99999999999999999999/2/3", " 1/2/3"})
        EXPECT_FALSE(position_in(saying(text))) << text;
    EXPECT_FALSE(position_in(saying("1/2/3", 0))) << "no row: it is not the kind of server that was asked for";
    EXPECT_FALSE(position_in(saying("1/2/3", 2)));
}

} // namespace
} // namespace tradecore::detail
