// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/decision.hpp"
#include "domain/events.hpp"

namespace tradecore::app::domain {

/// What: the broker every connection goes to.
inline constexpr std::string_view virtual_broker = "virtual";

/// What: a user's connection to a broker, as the events of its stream leave it.
struct connection_state {
    uuid id{};
    uuid user_id{};
    uuid account_id{};
    uuid broker_account_id{};
    bool exists = false;
    bool active = false;

    /// Errors: foreign_event.
    void apply(const event& happened);
};

struct create_connection {
    uuid connection_id{};
    uuid user_id{};
    uuid account_id{};
    std::string currency; ///< of the account, so that the broker opens one like it
    timestamp at;
};

struct activate_connection {
    uuid broker_account_id{};
    timestamp at;
};

/// What: ConnectionCreated with the virtual broker. Rejections: the connection exists.
decision<std::vector<event>> decide(const connection_state& connection, const create_connection& command);

/// What: ConnectionActivated. Rejections: the connection does not exist, or is active already.
decision<std::vector<event>> decide(const connection_state& connection, const activate_connection& command);

} // namespace tradecore::app::domain
