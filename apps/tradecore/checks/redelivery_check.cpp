// SPDX-License-Identifier: Apache-2.0
#include "checks/checks.hpp"
#include "checks/digest.hpp"
#include "checks/names.hpp"

#include <tradecore/db/database.hpp>
#include <tradecore/projection/maintenance.hpp>

#include <fmt/format.h>

namespace tradecore::app::checks {

boost::asio::awaitable<check_result> check_redelivery(
    database& where, events::event_store& store, system which,
    std::span<const std::unique_ptr<projection::projector>> projectors, std::string source)
{
    check_result out{fmt::format("redelivery {}", name_of(which)), false, {}};
    projection::options how;
    how.source = std::move(source);
    how.min_batch = how.max_batch;

    const auto before = co_await table_digests(where, which);
    std::uint64_t skipped = 0;
    std::string applied;
    for (const auto& one : projectors) {
        const auto stats = co_await projection::redeliver(store, where, *one, how);
        skipped += stats.skipped;
        if (stats.applied != 0 || stats.parked != 0 || stats.held_back != 0)
            applied += fmt::format(
                "{}{} applied {} events, {} waited and {} streams were parked", applied.empty() ? "" : "; ",
                one->name(), stats.applied, stats.held_back, stats.parked);
    }
    const auto after = co_await table_digests(where, which);
    std::string changed;
    for (std::size_t i = 0; i < before.size(); ++i)
        if (before[i] != after[i])
            changed += (changed.empty() ? "; changed: " : ", ") + before[i].table;
    out.ok = applied.empty() && changed.empty();
    out.detail = out.ok ? fmt::format("{} deliveries changed nothing", skipped) : applied + changed;
    co_return out;
}

} // namespace tradecore::app::checks
