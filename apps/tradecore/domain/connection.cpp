// SPDX-License-Identifier: Apache-2.0
#include "domain/connection.hpp"

namespace tradecore::app::domain {

void connection_state::apply(const event& happened)
{
    if (const auto* created = std::get_if<connection_created>(&happened)) {
        id = created->connection_id;
        user_id = created->user_id;
        account_id = created->account_id;
        exists = true;
    }
    else if (const auto* activated = std::get_if<connection_activated>(&happened)) {
        broker_account_id = activated->broker_account_id;
        active = true;
    }
    else {
        throw foreign_event("a broker connection", event_type_of(happened));
    }
}

decision<std::vector<event>> decide(const connection_state& connection, const create_connection& command)
{
    if (connection.exists)
        return wrong_state("connection " + to_text(connection.id) + " exists");
    return std::vector<event>{connection_created{
        command.connection_id, command.user_id, command.account_id, command.currency, std::string{virtual_broker},
        command.at}};
}

decision<std::vector<event>> decide(const connection_state& connection, const activate_connection& command)
{
    if (!connection.exists)
        return wrong_state("the connection does not exist");
    if (connection.active)
        return wrong_state("connection " + to_text(connection.id) + " is active already");
    return std::vector<event>{connection_activated{connection.id, command.broker_account_id, command.at}};
}

} // namespace tradecore::app::domain
