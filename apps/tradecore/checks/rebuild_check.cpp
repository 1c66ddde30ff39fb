// SPDX-License-Identifier: Apache-2.0
#include "checks/checks.hpp"
#include "checks/digest.hpp"
#include "checks/names.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/projection/maintenance.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <stdexcept>

namespace tradecore::app::checks {

namespace {

constexpr std::string_view schema = "rebuild";

std::string forget_script()
{
    return fmt::format(
        "DROP SCHEMA IF EXISTS {0} CASCADE;"
        "DELETE FROM proj.stream WHERE source = '{0}';"
        "DELETE FROM proj.checkpoint WHERE source = '{0}';"
        "DELETE FROM proj.dead_letter WHERE source = '{0}';",
        schema);
}

std::string prepare_script(system which)
{
    std::string script = forget_script() + fmt::format("CREATE SCHEMA {};", schema);
    for (const auto& table : readmodel::read_tables(which))
        script += fmt::format("CREATE UNLOGGED TABLE {0}.{1} (LIKE {1} INCLUDING ALL);", schema, table.name);
    return script;
}

boost::asio::awaitable<void> run(database where, std::string script)
{
    const runtime_sql text(std::move(script));
    static_cast<void>(co_await where.run_script(text.text()));
}

/// All projectors as one: the log is read once for all of them.
class all_projectors final : public projection::projector {
public:
    explicit all_projectors(std::span<const std::unique_ptr<projection::projector>> all) : all_(all) {}

    [[nodiscard]] std::string_view name() const noexcept override { return schema; }
    [[nodiscard]] int version() const noexcept override { return 1; }
    [[nodiscard]] std::optional<projection::mode> mode_of(std::string_view event_type) const override
    {
        for (const auto& one : all_)
            if (const auto mode = one->mode_of(event_type))
                return mode;
        return std::nullopt;
    }

    [[nodiscard]] boost::asio::awaitable<void>
    apply(database& read, std::span<const events::recorded_event> batch) override
    {
        for (const auto& one : all_) {
            std::vector<events::recorded_event> handled;
            for (const auto& event : batch)
                if (one->mode_of(event.type))
                    handled.push_back(event);
            if (!handled.empty())
                co_await one->apply(read, handled);
        }
    }

private:
    std::span<const std::unique_ptr<projection::projector>> all_;
};

// Throws when an event cannot be applied.
boost::asio::awaitable<std::uint64_t> rebuild_all(
    database read, events::event_store& store, std::span<const std::unique_ptr<projection::projector>> projectors)
{
    projection::options how;
    how.source = schema;
    how.min_batch = how.max_batch;
    how.max_attempts = 1;
    all_projectors all(projectors);
    const auto stats = co_await projection::rebuild(store, read, all, how);
    if (stats.parked != 0 || stats.dead != 0)
        throw std::runtime_error(fmt::format(
            "{} streams could not be applied; the log has the reasons", std::max(stats.parked, stats.dead)));
    co_return stats.applied;
}

struct outcome {
    std::uint64_t applied = 0;
    std::vector<table_digest> digests;
};

boost::asio::awaitable<outcome> rebuild_and_hash(
    database read, events::event_store& store, system which,
    std::span<const std::unique_ptr<projection::projector>> projectors)
{
    outcome out;
    out.applied = co_await rebuild_all(read, store, projectors);
    out.digests = co_await table_digests(read, which);
    co_return out;
}

} // namespace

boost::asio::awaitable<check_result> check_rebuild(
    database& where, events::event_store& store, system which,
    std::span<const std::unique_ptr<projection::projector>> projectors, database_options options)
{
    check_result out{fmt::format("rebuild {}", name_of(which)), false, {}};
    co_await run(where, prepare_script(which));

    options.name += " rebuild";
    options.connect.settings["search_path"] = schema;
    options.pool.minimum = 1;
    options.pool.maximum = 4;
    database rebuilt(co_await boost::asio::this_coro::executor, std::move(options));
    outcome made;
    std::exception_ptr failure;
    try {
        co_await rebuilt.open();
        made = co_await rebuild_and_hash(rebuilt, store, which, projectors);
    }
    catch (...) {
        failure = std::current_exception();
    }
    co_await rebuilt.close();
    co_await run(where, forget_script());
    if (failure)
        std::rethrow_exception(failure);

    const auto live = co_await table_digests(where, which);
    for (std::size_t i = 0; i < live.size(); ++i)
        if (live[i] != made.digests[i])
            out.detail += fmt::format(
                "{}{} has {} rows, rebuilt it has {}{}", out.detail.empty() ? "" : "; ", live[i].table, live[i].rows,
                made.digests[i].rows, live[i].rows == made.digests[i].rows ? " with other content" : "");
    out.ok = out.detail.empty();
    if (out.ok)
        out.detail = fmt::format("{} events made the same {} tables", made.applied, live.size());
    co_return out;
}

} // namespace tradecore::app::checks
