// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

/// What goes wrong on purpose while traders trade, and who sees to it.
namespace tradecore::app::chaos {

enum class act : std::uint8_t {
    end_session,        ///< one session of a database is terminated
    end_sessions,       ///< all of them are
    restart_fast,       ///< the server is shut down and started again
    restart_immediate,  ///< it is stopped as by a crash, recovers, and is there again
    lose_commit,        ///< the connection is cut before a COMMIT arrives
    lose_commit_answer, ///< the connection is cut when the server has committed
    lose_append_answer, ///< the same after an append of events
    cut_links,          ///< connections are cut in the middle of a message
    delay,              ///< everything arrives late
    silence,            ///< nothing arrives for a while
    refuse,             ///< connections are cut, and refused for a while
};

/// What: as the report names it.
[[nodiscard]] std::string_view to_string(act what) noexcept;

/// What: where a step goes wrong. A restart hits both.
enum class database_name : std::uint8_t { main, vb };

struct step {
    act what = act::end_session;
    database_name where = database_name::main;
    std::uint32_t after_orders = 0;    ///< not before so many orders were placed
    std::chrono::milliseconds pause{}; ///< after that
    std::chrono::milliseconds lasts{}; ///< at most; or, of what waits for its moment, the longest wait
    std::uint64_t draw = 0;            ///< decides what is left to chance when it comes: which session, which byte

    bool operator==(const step&) const = default;
};

/// What: a run's plan: the same seed and number of orders give the same plan. Everything comes once before anything
///   comes twice; the first step is due at the beginning, the others after equal parts of the orders.
/// Returns: at least one step of each kind, in the order they are due; one for each 25 orders, 200 at most.
[[nodiscard]] std::vector<step> plan(std::uint64_t seed, std::uint32_t orders);

} // namespace tradecore::app::chaos
