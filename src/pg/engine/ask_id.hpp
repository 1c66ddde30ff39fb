// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/engine/link.hpp"

#include <string_view>

/// The id of the transaction a session is in, which is asked for behind what is asked anyway.
namespace tradecore::pg::engine {

/// @returns whether a statement drops what is prepared, so that nothing prepared can stand behind it.
[[nodiscard]] bool drops_prepared(std::string_view sql) noexcept;

/// Forgets what may not hold behind a statement.
/// @returns whether `write_id_question` is to follow it.
[[nodiscard]] inline bool is_id_wanted_behind(link& on, std::string_view sql) noexcept
{
    auto& id = on.transaction_id;
    const bool drops = !sql.empty() && (sql.front() == 'D' || sql.front() == 'd') && drops_prepared(sql);
    if (drops)
        id.prepared = false;
    const bool wanted = id.is_missing();
    if (wanted)
        id.value.reset();
    return wanted && !drops;
}

/// Appends the question. It stands before the Sync that ends what `machine` asks, so that it costs no round trip, and
/// is passed over by the server when something before it fails.
void write_id_question(link& on, fsm::operation& machine);

/// The same when it is wanted.
inline void ask_id_behind(link& on, std::string_view sql, fsm::operation& machine)
{
    if (is_id_wanted_behind(on, sql))
        write_id_question(on, machine);
}

} // namespace tradecore::pg::engine
