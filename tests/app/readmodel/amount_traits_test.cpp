// SPDX-License-Identifier: Apache-2.0
#include "app/domain/generators.hpp"
#include "readmodel/amount_traits.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tradecore::app::testing {
namespace {

std::string wire_of(domain::amount value)
{
    pg::detail::argument_buffer bytes;
    pg::parameter_writer writer(bytes, 1);
    pg::parameter_traits<domain::amount>::encode(value, writer);
    return {bytes.begin(), bytes.end()};
}

RC_GTEST_PROP(amount_traits, write_the_number_with_eight_decimals, ())
{
    const auto value = *any_fixed<domain::amount>();
    const auto read = pg::numeric::from_wire(wire_of(value));
    RC_ASSERT(read.has_value());
    RC_ASSERT(read->scale() == 8);
    RC_ASSERT(domain::amount::parse(read->to_string()) == value);
}

TEST(amount_traits, write_the_ends_of_the_range_and_what_is_near_zero)
{
    const auto limit = domain::amount::from_raw(domain::detail::amount_max);
    for (const auto value :
         {domain::amount{}, domain::amount::from_raw(1), domain::amount::from_raw(-1), domain::amount::from_raw(9'999),
          domain::amount::from_raw(10'000), domain::amount::whole(1), domain::amount::whole(10'000), limit, -limit}) {
        const auto read = pg::numeric::from_wire(wire_of(value));
        ASSERT_TRUE(read.has_value()) << value.text();
        EXPECT_EQ(domain::amount::parse(read->to_string()), value);
        // The shortest form is what the server itself would send.
        EXPECT_EQ(read->to_wire(), wire_of(value)) << value.text();
    }
}

} // namespace
} // namespace tradecore::app::testing
