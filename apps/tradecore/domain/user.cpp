// SPDX-License-Identifier: Apache-2.0
#include "domain/user.hpp"

namespace tradecore::app::domain {

void user_state::apply(const event& happened)
{
    const auto* created = std::get_if<user_created>(&happened);
    if (created == nullptr)
        throw foreign_event("a user", event_type_of(happened));
    id = created->user_id;
    exists = true;
}

decision<std::vector<event>> decide(const user_state& user, const register_user& command)
{
    if (user.exists)
        return wrong_state("user " + to_text(user.id) + " exists");
    const std::size_t sign = command.email.find('@');
    if (sign == 0 || sign == std::string::npos || sign + 1 == command.email.size() ||
        command.email.find('@', sign + 1) != std::string::npos)
        return refuse("\"" + command.email + "\" is not an email address");
    return std::vector<event>{
        user_created{command.user_id, command.email, command.first_name, command.last_name, command.at}};
}

} // namespace tradecore::app::domain
