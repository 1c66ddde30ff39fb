// SPDX-License-Identifier: Apache-2.0
#include "checks/checks.hpp"
#include "checks/names.hpp"

#include <tradecore/db/database.hpp>

#include <fmt/format.h>

namespace tradecore::app::checks {

boost::asio::awaitable<check_result> check_streams(database& where, system which)
{
    check_result out{fmt::format("streams {}", name_of(which)), false, {}};
    using verdict = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::optional<std::string>>;
    const auto found = co_await where.fetchrow<verdict>(R"(
        WITH step AS (
            SELECT stream_id, version, position,
                   lag(position) OVER (PARTITION BY stream_id ORDER BY version) AS before,
                   row_number() OVER (PARTITION BY stream_id ORDER BY version) AS nth
              FROM es.events),
        seen AS (
            SELECT stream_id, count(*) AS n, max(version) AS last,
                   min(nth) FILTER (WHERE version <> nth) AS hole,
                   min(version) FILTER (WHERE position <= before) AS falls
              FROM step GROUP BY stream_id),
        wrong AS (
            SELECT coalesce(s.stream_id, e.stream_id) AS stream,
                   CASE WHEN e.stream_id IS NULL THEN 'es.streams says version ' || s.version || ', there are no events'
                        WHEN e.hole IS NOT NULL THEN 'version ' || e.hole || ' is missing'
                        WHEN e.falls IS NOT NULL THEN 'version ' || e.falls || ' has no greater position than the one before'
                        WHEN s.stream_id IS NULL THEN 'es.streams does not have it'
                        WHEN s.version <> e.last THEN 'es.streams says version ' || s.version || ', the last event has '
                             || e.last END AS what
              FROM es.streams s FULL JOIN seen e ON e.stream_id = s.stream_id
             WHERE s.version IS DISTINCT FROM e.last OR e.hole IS NOT NULL OR e.falls IS NOT NULL
            UNION ALL
            SELECT min(stream_id), 'position ' || position || ' is used ' || count(*) || ' times'
              FROM es.events GROUP BY position HAVING count(*) > 1)
        SELECT (SELECT count(*) FROM es.streams), (SELECT count(*) FROM es.events), (SELECT count(*) FROM wrong),
               (SELECT stream || ': ' || what FROM wrong ORDER BY stream LIMIT 1))");
    const auto& [streams, events, wrong, first] = *found;
    out.ok = wrong == 0;
    out.detail = out.ok ? fmt::format("{} events in {} streams", events, streams)
                        : fmt::format("{} ({} streams are wrong)", first.value_or("?"), wrong);
    co_return out;
}

} // namespace tradecore::app::checks
