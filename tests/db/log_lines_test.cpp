// SPDX-License-Identifier: Apache-2.0
#include "db/support/documentation.hpp"
#include "db/support/fake_database.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/errors.hpp>
#include <tradecore/observe/capture.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
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
    for (const auto& row : test::rows_of_page("log.md", "\\| `(\\[[A-Z ]+\\])` \\| [^|]* \\| ([^|]*) \\|"))
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

// --- what other rooms and the program say, read from their sources ---------------------------------

/// A line as a source or the page has it.
struct line {
    std::string words;
    std::string level;
    std::vector<std::string> fields;
};

/// @returns of each call of `observe::log` that says its level and its words, from `info` on, what they are.
std::vector<line> lines_in(const std::filesystem::path& file)
{
    static const std::regex call(R"(\blog\(\s*(?:observe::)?level::(info|warn|error|critical),)");
    std::ifstream in(file);
    const std::string source(std::istreambuf_iterator<char>(in), {});
    std::vector<line> found;
    for (std::sregex_iterator at(source.begin(), source.end(), call), end; at != end; ++at) {
        const auto from = static_cast<std::size_t>(at->position() + at->length());
        const auto text = source.substr(from, source.find(");\n", from) - from);
        const auto fields = test::all_in(text, R"re((?:\{|field\()"([a-z_0-9]+)",)re");
        const auto message = fields.empty() ? text : text.substr(0, text.find('"' + fields.front() + '"'));
        // Of words that are put together only the beginning is the same each time.
        for (const auto& words : test::all_in(message, R"re("([^"{]+[^"{ ])[^"]*")re"))
            found.push_back({words, (*at)[1], fields});
    }
    return found;
}

TEST(log_lines, of_all_rooms_are_in_the_documentation)
{
    std::vector<line> rows;
    for (const auto& row : test::rows_of_page("log.md", R"(\| `([^`]+)`[^|]* \| ([a-z]+)[^|]* \| [^|]* \|)"))
        rows.push_back({row[0], row[1], {}}); // those of databases, which have their own fields
    for (const auto& row : test::rows_of_page("log.md", R"(\| `([^`]+)` \| ([a-z]+) \| [^|]* \| ([^|]*) \| [^|]* \|)"))
        rows.push_back({row[0], row[1], test::all_in(row[2], "`([a-z_0-9]+)`")});

    std::size_t seen = 0;
    for (const auto* const folder : {"/src", "/apps"}) {
        for (const auto& file :
             std::filesystem::recursive_directory_iterator(TRADECORE_SOURCE_ROOT + std::string(folder))) {
            if (file.path().extension() != ".cpp")
                continue;
            const bool is_of_databases = file.path().string().starts_with(TRADECORE_SOURCE_ROOT "/src/db/");
            for (const auto& one : lines_in(file.path())) {
                ++seen;
                const auto row = std::ranges::find_if(rows, [&](const line& each) {
                    return each.words.starts_with(one.words) || each.words.ends_with(one.words);
                });
                if (row == rows.end()) {
                    ADD_FAILURE() << "docs/log.md has no line `" << one.words << "` (" << file.path() << ")";
                    continue;
                }
                EXPECT_EQ(row->level, one.level) << one.words;
                if (!is_of_databases)
                    EXPECT_EQ(row->fields, one.fields) << one.words;
            }
        }
    }
    EXPECT_GT(seen, 25U);
}

} // namespace
} // namespace tradecore
