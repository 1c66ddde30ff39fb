// SPDX-License-Identifier: Apache-2.0
#include "db/support/documentation.hpp"
#include "db/support/fake_database.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/errors.hpp>
#include <tradecore/observe/capture.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::fake_server;

/// The fields of each line, by its mark.
using catalogue = std::map<std::string, std::vector<std::string>>;

/// What docs/log.md says there is.
catalogue documented()
{
    catalogue found;
    for (const auto& row : test::rows_of_page("log.md", "\\| `(\\[[A-Z ]+\\])` \\| .* \\| (.*) \\|"))
        found[row[0]] = test::all_in(row[1], "`([a-z_]+)`");
    return found;
}

catalogue said(const observe::capture& log)
{
    catalogue found;
    for (const auto& one : log.entries()) {
        if (!one.message.starts_with('['))
            continue;
        auto& fields = found[one.message.substr(0, one.message.find(']') + 1)];
        fields.clear();
        for (const auto& [key, value] : one.fields)
            fields.push_back(key);
    }
    return found;
}

TEST(log_lines, have_the_fields_of_the_documentation)
{
    fake_server server;
    test::take_longer_than(server, 2ms);
    database_options options;
    options.pool = {.minimum = 0, .maximum = 1};
    options.pool.slow_acquire = 1ms;
    options.slow_query = 1ms;
    options.long_transaction = 1ms;
    options.statement_loop = 2;
    const observe::capture log;
    test::with_database(server, options, [&](database& main) -> asio::awaitable<void> {
        const auto body = [&]() -> asio::awaitable<void> {
            for (int i = 0; i < 2; ++i)
                (void)co_await main.execute("UPDATE a SET b = $1", i);
            (void)co_await main.execute("FAIL 40P01");
        };
        const auto deadlocks = [&]() -> asio::awaitable<void> {
            try {
                co_await main.transaction(body, {.max_attempts = 1});
            }
            catch (const pg::server_error&) { // NOLINT(bugprone-empty-catch): as asked
            }
        };
        const auto waits = [&]() -> asio::awaitable<void> { (void)co_await main.execute("b"); };
        co_await when_all(deadlocks(), waits());
        server.on_carried_out = [](fake_server::connection& on, const std::string& command) {
            if (command == "COMMIT")
                on.close();
        };
        const auto writes = [&]() -> asio::awaitable<void> { (void)co_await main.execute("c"); };
        try {
            co_await main.transaction(writes, {.max_attempts = 1});
        }
        catch (const commit_unknown&) { // NOLINT(bugprone-empty-catch): as asked
        }
    });
    EXPECT_EQ(said(log), documented());
}

} // namespace
} // namespace tradecore
