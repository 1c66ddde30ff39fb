// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/parameters.hpp>
#include <tradecore/pg/sql.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tradecore::pg {

/// What a caller says about one call; every member has a meaning when left out.
struct call_options {
    /// How long the call may take in all, waiting for a connection included; the session's default
    /// when not set.
    std::optional<std::chrono::milliseconds> timeout{};
    /// The statement may be run twice with the effect of once.
    bool idempotent = false;
    /// The statement changes nothing, though its text does not show it (`pg::only_reads`): the functions it calls only
    /// read.
    bool only_reads = false;
    /// The statement is never sent behind those of other callers (`sharing_options`), but gets a connection of a pool's
    /// to itself. On a single connection it means nothing.
    bool alone = false;
    /// A name for logs and metrics; must outlive the call (a literal does).
    std::string_view name{};
};

/// One statement with its arguments, as every verb hands it down: nothing in it refers to the caller.
struct statement {
    sql_text sql;
    parameters arguments;
    call_options options{};
    /// The verb, for logs: "FETCH", "FETCHROW", "FETCHVAL", "EXECUTE".
    std::string_view verb = "EXECUTE";
    /// Commands without parameters and rows (BEGIN, SAVEPOINT, SET …) that go to the server in the same
    /// round trip, before the statement. When one of them fails, neither the ones after it nor the
    /// statement are run, and its error is the call's.
    std::vector<std::string> before{};
};

} // namespace tradecore::pg
