// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/fsm/operation.hpp"
#include "pg/protocol/receive_buffer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace tradecore::test {

/// Feeds a machine the messages in `bytes` until it wants something else than to read on; progress before the last
/// message is passed over.
/// @returns its last step; `read` when it would like more.
inline pg::fsm::step feed(pg::fsm::operation& machine, std::string_view bytes)
{
    pg::protocol::receive_buffer buffer(1U << 20U);
    pg::fsm::step last;
    while (!bytes.empty()) {
        const auto space = buffer.space();
        const auto count = std::min(space.size(), bytes.size());
        bytes.copy(space.data(), count);
        bytes.remove_prefix(count);
        buffer.received(count);
        pg::protocol::message next{};
        while (buffer.next(next) == pg::protocol::receive_buffer::framing::complete) {
            last = machine.on_message(next);
            if (last.next != pg::fsm::action::read && last.next != pg::fsm::action::progress)
                return last;
        }
    }
    return last;
}

inline void expect_done(const pg::fsm::step& last)
{
    EXPECT_EQ(last.next, pg::fsm::action::done) << last.bytes;
}

inline void expect_violation(const pg::fsm::step& last, std::string_view why)
{
    EXPECT_EQ(last.next, pg::fsm::action::violation);
    EXPECT_NE(last.bytes.find(why), std::string::npos) << last.bytes;
}

} // namespace tradecore::test
