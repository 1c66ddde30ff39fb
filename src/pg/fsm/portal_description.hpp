// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/protocol/backend_messages.hpp"
#include "pg/protocol/message.hpp"

#include <tradecore/pg/column.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace tradecore::pg::fsm {

/// What the server says of a portal.
struct portal_description {
    bool as_expected = false;
    /// Null when it returns no rows, or when what was expected is true.
    std::shared_ptr<const row_description> columns{};
};

/// @param expected the payload that was remembered; null for none.
/// @returns nothing when the message is none of those that describe a portal.
inline std::optional<portal_description>
read_portal_description(const protocol::message& incoming, const std::string* expected)
{
    if (incoming.type == protocol::backend::no_data)
        return portal_description();
    if (incoming.type != protocol::backend::row_description)
        return std::nullopt;
    if (expected != nullptr && *expected == incoming.payload)
        return portal_description{.as_expected = true, .columns = {}};
    auto columns = protocol::read_row_description(incoming.payload);
    if (!columns)
        return std::nullopt;
    return portal_description{.columns = std::make_shared<const row_description>(std::move(*columns))};
}

} // namespace tradecore::pg::fsm
