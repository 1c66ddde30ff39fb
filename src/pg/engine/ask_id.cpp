// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/ask_id.hpp"

#include "pg/leading_keyword.hpp"
#include "pg/protocol/frontend.hpp"

#include <array>
#include <cstdint>
#include <utility>

namespace tradecore::pg::engine {

namespace {

constexpr std::string_view question = "SELECT pg_catalog.pg_current_xact_id_if_assigned()";
constexpr std::string_view name_of_question = "tradecore_transaction_id";
constexpr std::array<std::int16_t, 1> binary{1};

} // namespace

bool drops_prepared(std::string_view sql) noexcept
{
    return pg::detail::begins_with_keyword(sql, "deallocate") || pg::detail::begins_with_keyword(sql, "discard");
}

void write_id_question(link& on, fsm::operation& machine)
{
    auto& id = on.transaction_id;
    auto& out = on.outgoing();
    const auto name = on.names_statements ? name_of_question : std::string_view();
    // Until it is answered nobody knows whether the server has it. That one of its name is closed first makes it
    // harmless to prepare it twice.
    const bool parses = name.empty() || !std::exchange(id.prepared, false);
    if (parses) {
        if (!name.empty())
            protocol::write_close_statement(out, name);
        protocol::write_parse(out, name, question);
    }
    protocol::write_bind(out, name, parameters{}, {}, binary);
    protocol::write_execute(out);
    machine.question().asked(id, parses);
}

} // namespace tradecore::pg::engine
