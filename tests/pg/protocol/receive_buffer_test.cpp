// SPDX-License-Identifier: Apache-2.0
#include "../support/backend.hpp"
#include "pg/protocol/receive_buffer.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>

namespace {

using namespace tradecore::test;
using tradecore::pg::protocol::message;
using tradecore::pg::protocol::receive_buffer;
using framing = receive_buffer::framing;

constexpr std::size_t limit = 1U << 20U;

void put(receive_buffer& buffer, std::string_view bytes)
{
    while (!bytes.empty()) {
        const auto space = buffer.space();
        const auto count = std::min(space.size(), bytes.size());
        bytes.copy(space.data(), count);
        bytes.remove_prefix(count);
        buffer.received(count);
    }
}

RC_GTEST_PROP(receive_buffer, cuts_messages_however_they_arrive, (std::vector<std::string> payloads))
{
    std::string stream;
    for (const auto& payload : payloads)
        stream += backend::message('D', payload);
    receive_buffer buffer(limit);
    std::vector<std::string> got;
    for (std::string_view rest = stream; !rest.empty();) {
        const auto slice = *rc::gen::inRange<std::size_t>(1, rest.size() + 1);
        put(buffer, rest.substr(0, slice));
        rest.remove_prefix(slice);
        message next{};
        while (buffer.next(next) == framing::complete)
            got.emplace_back(next.payload);
    }
    RC_ASSERT(got == payloads);
}

TEST(receive_buffer, grows_for_one_large_message)
{
    const std::string large(limit - 4, 'x');
    receive_buffer buffer(limit);
    put(buffer, backend::message('d', large));
    message next{};
    ASSERT_EQ(buffer.next(next), framing::complete);
    EXPECT_EQ(next.payload, large);
    EXPECT_EQ(buffer.next(next), framing::incomplete);
}

TEST(receive_buffer, refuses_impossible_lengths)
{
    for (const auto length :
         {std::int64_t{0}, std::int64_t{3}, std::int64_t{-1}, static_cast<std::int64_t>(limit) + 1}) {
        receive_buffer buffer(limit);
        put(buffer, "D" + backend::i32(length));
        message next{};
        EXPECT_EQ(buffer.next(next), framing::malformed) << length;
    }
}

TEST(receive_buffer, believes_what_came_and_not_what_was_announced)
{
    receive_buffer buffer(std::size_t{1} << 30U);
    put(buffer, "D" + backend::i32((std::int64_t{1} << 30)));
    message next{};
    EXPECT_EQ(buffer.next(next), framing::incomplete);
    EXPECT_LT(buffer.space().size(), std::size_t{1} << 20U);
}

} // namespace
