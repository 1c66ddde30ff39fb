// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/session_kind.hpp"

#include "pg/fsm/query.hpp"
#include "pg/protocol/frontend.hpp"

#include <tradecore/pg/error.hpp>

#include <optional>
#include <string_view>

namespace tradecore::pg::engine {

namespace asio = boost::asio;

namespace {

struct session_facts {
    bool standby = false;
    bool read_only = false;
};

std::optional<session_facts> reported(const link& session)
{
    const auto standby = session.parameters.find("in_hot_standby");
    const auto read_only = session.parameters.find("default_transaction_read_only");
    if (standby == session.parameters.end() || read_only == session.parameters.end())
        return std::nullopt;
    const bool in_standby = standby->second == "on";
    return session_facts{in_standby, in_standby || read_only->second == "on"};
}

std::string_view only_field(const result& answer)
{
    return answer.size() == 1 && answer.columns().size() == 1 ? answer[0][0].as<std::string_view>()
                                                              : std::string_view();
}

asio::awaitable<session_facts> ask(std::shared_ptr<link> session, exchange::clock::time_point deadline)
{
    const auto question = make_exchange<fsm::script>();
    question->deadline = deadline;
    protocol::write_query(session->outgoing(), "SHOW transaction_read_only; SELECT pg_catalog.pg_is_in_recovery()");
    session->queue(question);
    co_await session->wait(question);
    auto& machine = question->machine();
    if (machine.error())
        throw_server_error(*machine.error(), "ask " + session->peer() + " what kind of server it is");
    const auto& answers = machine.answers();
    if (answers.size() != 2)
        throw protocol_error(session->peer() + " does not say what kind of server it is");
    co_return session_facts{only_field(answers[1]) == "t", only_field(answers[0]) == "on"};
}

std::string compare(const session_facts& is, target_session_attributes wanted)
{
    using enum target_session_attributes;
    switch (wanted) {
    case any:
        return {};
    case read_write:
        return is.read_only ? "takes no writes" : "";
    case read_only:
        return is.read_only ? "" : "takes writes";
    case primary:
        return is.standby ? "is a standby" : "";
    case standby:
    case prefer_standby:
        return is.standby ? "" : "is no standby";
    }
    return {};
}

} // namespace

asio::awaitable<std::string>
why_unwanted(std::shared_ptr<link> session, target_session_attributes wanted, exchange::clock::time_point deadline)
{
    if (wanted == target_session_attributes::any)
        co_return std::string();
    auto facts = reported(*session);
    if (!facts)
        facts = co_await ask(session, deadline);
    co_return compare(*facts, wanted);
}

} // namespace tradecore::pg::engine
