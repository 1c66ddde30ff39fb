// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/database_options.hpp>

#include <source_location>
#include <string_view>

namespace tradecore::detail {

/// What a database knows of the statements it runs, for what it tells.
class statement_monitor {
public:
    /// @param options must outlive this.
    explicit statement_monitor(const database_options& options) : options_(options) {}

    [[nodiscard]] const database_options& options() const noexcept { return options_; }

private:
    const database_options& options_;
};

/// What is known of one transaction, for what is told of it and its statements.
class transaction_trace {
public:
    /// @param name must outlive this.
    transaction_trace(std::string_view name, std::source_location where) noexcept : name_(name), where_(where) {}

    [[nodiscard]] std::string_view name() const noexcept { return name_; }
    [[nodiscard]] const std::source_location& where() const noexcept { return where_; }

private:
    std::string_view name_;
    std::source_location where_;
};

} // namespace tradecore::detail
