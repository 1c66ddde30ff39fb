// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/support/database_world.hpp"
#include "db/support/virtual_time.hpp"
#include "support/errors.hpp"

#include <chrono>
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace tradecore::test {

/// Without a breaker and with a budget that is never used up, of which only some tests are.
inline database_options without_breaker()
{
    auto options = quiet_options();
    options.pool.connect_backoff = std::chrono::milliseconds(1);
    options.pool.connect_backoff_limit = std::chrono::milliseconds(1);
    options.breaker_enabled = false;
    options.retry_budget.minimum = 1'000;
    return options;
}

/// A database on a scripted server, in virtual time.
struct retry_world : database_world {
    virtual_time time;

    template <class F>
    void run(F body, const database_options& options = without_breaker())
    {
        database_world::run(body, options, time.source());
    }

    /// The next times a command comes, it fails with these; null entries do not.
    void fail(std::string command, std::vector<std::exception_ptr> errors)
    {
        server.on_command = [command = std::move(command),
                             errors = std::move(errors)](fake_server::connection& on, const std::string& said) mutable {
            if (said != command || errors.empty())
                return;
            const auto error = errors.front();
            errors.erase(errors.begin());
            if (is<connection_error>(error))
                on.close();
            else if (error && on.status() == pg::transaction_status::in_transaction)
                on.fail_transaction();
            if (error)
                std::rethrow_exception(error);
        };
    }
};

} // namespace tradecore::test
