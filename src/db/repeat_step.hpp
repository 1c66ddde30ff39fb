// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/database_core.hpp"

#include <boost/asio/awaitable.hpp>

#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace tradecore::detail {

/// @returns who the pool says has the connection.
inline usage user_of(std::string_view kind, const pg::call_options& options, const sql_text& sql)
{
    if (!options.name.empty())
        return {.kind = kind, .label = options.name, .keeps = {}, .where = sql.where};
    return {.kind = kind, .label = sql.text, .keeps = sql.owner, .where = sql.where};
}

/// The same for what keeps its connection when the call is over, which a name need not outlive.
inline usage keeper_of(std::string_view kind, const pg::call_options& options, const sql_text& sql)
{
    auto user = user_of(kind, options, sql);
    if (options.name.empty())
        return user;
    const auto name = std::make_shared<const std::string>(options.name);
    user.label = *name;
    user.keeps = name;
    return user;
}

/// What the log of repetitions calls it.
inline std::string_view name_of(std::string_view kind, const pg::call_options& options)
{
    return options.name.empty() ? kind : options.name;
}

template <class Answer, class Step>
boost::asio::awaitable<Answer> database_core::repeat(
    std::shared_ptr<database_core> self, repeated_call& call, usage user, std::string_view sql, const Step& step)
{
    for (;;) {
        std::exception_ptr error;
        attempt_facts facts{.phase = attempt_phase::acquiring};
        {
            attempt by;
            lease connection;
            try {
                by = self->begin_attempt();
                connection = co_await wait_for_connection(self, by, call.limit(), user, {});
            }
            catch (...) {
                error = std::current_exception();
                by.failed(error, facts);
            }
            if (connection) {
                const auto left = self->limit_of(call);
                const bool unsent = !connection->is_open();
                try {
                    auto answer = co_await step(connection, left);
                    by.succeeded();
                    co_return answer;
                }
                catch (...) {
                    error = std::current_exception();
                }
                facts = self->end_attempt(by, connection, error, self->has_limit(left));
                facts.unsent = unsent;
            }
        }
        co_await call.another_attempt(error, facts, sql);
    }
}

} // namespace tradecore::detail
