// SPDX-License-Identifier: Apache-2.0
#include "harness/machine.hpp"

#include "harness/messages.hpp"
#include "harness/require.hpp"
#include "pg/protocol/backend_messages.hpp"

#include <memory>

namespace tradecore::fuzz {

namespace {

using pg::fsm::action;
using pg::protocol::backend;

// The link looks at these before any machine does.
bool is_for_the_link(const pg::protocol::message& incoming)
{
    switch (incoming.type) {
    case backend::parameter_status:
    case backend::notice_response:
    case backend::notification_response:
        return true;
    case backend::ready_for_query:
        return !pg::protocol::read_ready_for_query(incoming.payload);
    default:
        return false;
    }
}

} // namespace

fed feed(
    pg::fsm::operation& machine, byte_source& input, std::string_view plan,
    const std::function<void(std::uint8_t)>& act)
{
    constexpr std::size_t header = 5;
    fed seen;
    while (!input.empty()) {
        const auto framed = next_message(input);
        // Without a byte behind it, so that reading past the end is seen.
        const std::size_t size = framed.size() - header;
        const auto payload = std::make_unique<char[]>(size);
        framed.copy(payload.get(), size, header);
        const pg::protocol::message incoming{static_cast<backend>(framed[0]), {payload.get(), size}};
        if (is_for_the_link(incoming))
            continue;
        if (act && seen.messages < plan.size())
            act(static_cast<std::uint8_t>(plan[seen.messages]));
        const auto wanted = machine.on_message(incoming);
        ++seen.messages;
        seen.last = wanted.next;
        if (wanted.next == action::send)
            require(!types_of_client_messages(wanted.bytes).empty(), "there is something to send");
        if (wanted.next == action::violation)
            require(!wanted.bytes.empty(), "a violation says what is wrong");
        if (wanted.next == action::done || wanted.next == action::violation)
            break;
    }
    return seen;
}

} // namespace tradecore::fuzz
