// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chaos/plan.hpp"

#include <tradecore/embedded/server.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace tradecore::app::chaos {

/// What: what a disturber has done.
struct deeds {
    std::map<act, std::uint64_t> done; ///< sessions ended, restarts, answers lost, links cut, …
    std::uint64_t steps = 0;           ///< carried out
    std::uint64_t planned = 0;
};

/// What: an embedded server under fire: keeps it on a thread of its own, stands between it and its clients, and, from
///   `begin` to `end`, carries out a plan: ends sessions over a connection of its own, restarts the server, cuts,
///   delays and silences the network. It touches nothing but that server and the way to it.
///
/// It has two threads: one that the server belongs to, since that may not end before the server does, and one for
/// everything else, so that whoever is disturbed cannot hold it up.
/// Thread safety: `ordered` and `is_over` may be called by any thread; everything else by one. Lifetimes: the server,
/// which nobody else starts or stops, outlives it.
class disturber {
public:
    disturber(embedded::server& server, std::vector<step> steps);
    /// Ends, and stops the server.
    ~disturber();
    disturber(const disturber&) = delete;
    disturber& operator=(const disturber&) = delete;
    disturber(disturber&&) = delete;
    disturber& operator=(disturber&&) = delete;

    /// What: starts the server, and listens before it; blocks. Errors: embedded::error; std::system_error.
    void start();

    /// Returns: the URI that leads there through the place where things go wrong.
    [[nodiscard]] std::string dsn(database_name of) const;

    /// What: begins with the plan.
    void begin();
    /// What: one more order was placed, here or in another process.
    void ordered() noexcept;
    /// Returns: whether the plan is carried out, or cannot be.
    [[nodiscard]] bool is_over() const noexcept;
    /// What: ends early what is under way, and leaves the server running and the way to it open; blocks for as long as
    /// a
    ///   restart takes. Steps that are left are not carried out. Errors: as `check`.
    void end();

    /// Errors: what made it impossible to go on, such as a server that does not start again.
    void check() const;
    /// What: complete when it has ended.
    [[nodiscard]] deeds done() const;

private:
    struct core;
    std::unique_ptr<core> core_;
};

} // namespace tradecore::app::chaos
