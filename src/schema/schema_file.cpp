// SPDX-License-Identifier: Apache-2.0
#include "schema/checksum.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/db/registry.hpp>
#include <tradecore/errors.hpp>
#include <tradecore/observe/log.hpp>
#include <tradecore/schema/schema_file.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace tradecore::schema {

namespace asio = boost::asio;

namespace {

struct task {
    database where;
    std::string name;
    std::string text;
    std::string checksum;
    std::string lock_key;
    schema_options options;
    /// The server's clock when the call began.
    timestamptz began{};
};

struct marker {
    std::string checksum;
    timestamptz applied_at;
};

enum class attempt { applied, skipped, locked_by_another };

// What the loser gets depends on how far the winner was: its row in the catalogue not yet committed, its
// table there, or only the table's row type.
bool lost_a_race(const server_error& error)
{
    const auto& code = error.code();
    return code == condition::unique_violation || code == condition::duplicate_table ||
           code == condition::duplicate_object;
}

// The table is made on its own, before any lock: workers that make it at the same time meet in the
// catalogue, where CREATE TABLE IF NOT EXISTS does not protect the loser from an error.
asio::awaitable<void> ensure_marker_table(database where)
{
    for (int left = 5;; --left) {
        const bool there = co_await where.fetchval<bool>("SELECT to_regclass('public.tradecore_schema') IS NOT NULL");
        if (there) {
            co_return;
        }
        try {
            co_await where.execute("CREATE TABLE public.tradecore_schema ("
                                   "name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL)");
            co_return;
        }
        catch (const server_error& error) {
            if (left == 0 || !lost_a_race(error)) {
                throw;
            }
        }
    }
}

/// @returns whether the database has the schema as the caller wants it.
bool is_done(const task& what, const std::optional<marker>& found)
{
    if (!found) {
        return false;
    }
    if (what.options.recreate) {
        // Another worker recreated it after we were asked to.
        return found->checksum == what.checksum && found->applied_at >= what.began;
    }
    if (found->checksum != what.checksum) {
        throw schema_changed(what.name, found->checksum, what.checksum);
    }
    return true;
}

asio::awaitable<std::optional<marker>> read_marker(std::shared_ptr<task> what)
{
    return what->where.fetchrow<marker>(
        "SELECT checksum, applied_at FROM public.tradecore_schema WHERE name = $1", what->name);
}

// Runs inside a transaction. The lock is the transaction's: it ends with it, whatever happens, and works
// behind a pooler that gives every transaction another connection.
asio::awaitable<attempt> apply_under_lock(std::shared_ptr<task> what)
{
    const bool mine = co_await what->where.fetchval<bool>(
        "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))", what->lock_key);
    if (!mine) {
        co_return attempt::locked_by_another;
    }
    // A new statement has a new snapshot: it sees what the last holder committed.
    const auto found = co_await read_marker(what);
    if (is_done(*what, found)) {
        co_return attempt::skipped;
    }
    co_await what->where.execute(
        "SELECT set_config('tradecore.recreate', $1, true)", what->options.recreate ? "on" : "off");
    const runtime_sql script(what->text);
    const auto results = co_await what->where.run_script(script.text(), {.name = "schema"});
    for (const auto& each : results) {
        const std::string tag(each.tag().text());
        if (tag == "COMMIT" || tag == "ROLLBACK") {
            throw std::runtime_error(
                "schema '" + what->name + "' contains " + tag +
                ": it is run in one transaction together with its marker and must not end it");
        }
    }
    co_await what->where.execute(
        "INSERT INTO public.tradecore_schema (name, checksum, applied_at) VALUES ($1, $2, clock_timestamp()) "
        "ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = excluded.applied_at",
        what->name, what->checksum);
    co_return attempt::applied;
}

std::string read_file(const std::filesystem::path& file)
{
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        throw std::filesystem::filesystem_error(
            "cannot read the schema file", file, std::error_code(errno, std::generic_category()));
    }
    std::string text{std::istreambuf_iterator<char>(in), {}};
    if (in.bad()) {
        throw std::filesystem::filesystem_error(
            "cannot read the schema file", file, std::make_error_code(std::errc::io_error));
    }
    return text;
}

asio::awaitable<schema_outcome> apply_once(std::shared_ptr<task> what)
{
    using clock = std::chrono::steady_clock;
    auto& where = what->where;
    const auto executor = co_await asio::this_coro::executor;
    if (where.in_transaction(executor)) {
        throw std::logic_error(
            "schema '" + what->name + "' cannot be applied inside a transaction of database '" + where.name() + "'");
    }
    co_await ensure_marker_table(where);
    what->began = co_await where.fetchval<timestamptz>("SELECT clock_timestamp()");

    const auto began = clock::now();
    bool said = false;
    for (;;) {
        const auto found = co_await read_marker(what);
        if (is_done(*what, found)) {
            co_return schema_outcome::skipped;
        }
        const auto under_lock = [what] { return apply_under_lock(what); };
        const auto done = co_await where.transaction(under_lock, {.name = "schema"});
        if (done != attempt::locked_by_another) {
            observe::log(
                observe::level::info, done == attempt::applied ? "schema applied" : "schema is there already",
                {{"database", where.name()}, {"schema", what->name}, {"sha256", what->checksum}});
            co_return done == attempt::applied ? schema_outcome::applied : schema_outcome::skipped;
        }
        const auto waited = clock::now() - began;
        if (waited >= what->options.wait) {
            throw schema_lock_timeout(what->lock_key, what->options.wait);
        }
        if (!std::exchange(said, true)) {
            observe::log(
                observe::level::info, "waiting for another worker that applies a schema",
                {{"database", where.name()}, {"schema", what->name}});
        }
        asio::steady_timer pause(executor);
        pause.expires_after(std::min<clock::duration>(what->options.retry_every, what->options.wait - waited));
        co_await pause.async_wait(asio::use_awaitable);
    }
}

} // namespace

asio::awaitable<schema_outcome> run_schema(database& where, std::string name, std::string text, schema_options options)
{
    auto checksum = sha256(text);
    auto key = "schema_init_" + where.name() + "_" + name;
    return apply_once(std::make_shared<task>(task{
        .where = where,
        .name = std::move(name),
        .text = std::move(text),
        .checksum = std::move(checksum),
        .lock_key = std::move(key),
        .options = options}));
}

asio::awaitable<schema_outcome>
run_schema_from_file(database& where, std::filesystem::path file, schema_options options)
{
    // Read when the call is made, like an argument: an error of the file is thrown by the call itself.
    return run_schema(where, file.filename().string(), read_file(file), options);
}

asio::awaitable<schema_outcome> run_schema_from_file(std::filesystem::path file, schema_options options)
{
    return run_schema_from_file(db, std::move(file), options);
}

asio::awaitable<schema_outcome> run_vb_schema(std::filesystem::path file, schema_options options)
{
    return run_schema_from_file(vb_db, std::move(file), options);
}

} // namespace tradecore::schema
