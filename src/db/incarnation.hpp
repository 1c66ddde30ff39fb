// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace tradecore::detail {

/// Tells a server, from its start to its end or its next crash, from all others: the cluster, the server's start, and
/// when its statistics began, which they do anew when it recovers from a crash. As numbers, for the text of a time
/// depends on the session. Everybody may ask. One text.
inline constexpr std::string_view question_of_incarnation =
    "SELECT pg_catalog.concat_ws('/', (SELECT system_identifier FROM pg_catalog.pg_control_system()), "
    "pg_catalog.date_part('epoch', pg_catalog.pg_postmaster_start_time()), "
    "pg_catalog.date_part('epoch', pg_catalog.pg_stat_get_bgwriter_stat_reset_time())) AS incarnation";

} // namespace tradecore::detail
