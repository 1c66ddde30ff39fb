// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/decision.hpp"
#include "domain/events.hpp"

namespace tradecore::app::domain {

/// What: a user, as the events of its stream leave it.
struct user_state {
    uuid id{};
    bool exists = false;

    /// Errors: foreign_event.
    void apply(const event& happened);
};

struct register_user {
    uuid user_id{};
    std::string email;
    std::string first_name;
    std::string last_name;
    timestamp at;
};

/// What: UserCreated. Rejections: the user exists; an email without text around one `@`.
decision<std::vector<event>> decide(const user_state& user, const register_user& command);

} // namespace tradecore::app::domain
