// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/database_options.hpp>
#include <tradecore/pg/statement.hpp>

#include <chrono>
#include <optional>
#include <string_view>

namespace tradecore::detail {

/// Watches one statement and logs it when it was slow. Keeps what the log line needs, because the statement
/// itself goes to the connection.
class statement_log {
public:
    /// @param options must outlive this.
    /// @param transaction the name of the transaction the statement runs in; must outlive this.
    statement_log(const database_options& options, const pg::statement& what, std::string_view transaction);

    /// The statement has ended.
    /// @param failed whether with an error.
    void ended(bool failed) const;

private:
    const database_options& options_;
    std::chrono::steady_clock::time_point began_;
    sql_text sql_;
    std::string_view verb_;
    std::string_view name_;
    std::string_view transaction_;
    std::optional<pg::parameters> arguments_;
    std::size_t argument_bytes_ = 0;
};

} // namespace tradecore::detail
