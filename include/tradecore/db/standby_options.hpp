// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/pool_options.hpp>
#include <tradecore/pg/host_address.hpp>

#include <chrono>
#include <vector>

namespace tradecore {

/// The standbys of a database, for `database::read`.
struct standby_options {
    /// Without, reads go to the primary.
    bool enabled = false;
    /// Where they are. Empty: among the hosts of the database itself, which must then be told to connect to the primary
    /// (`target_session_attrs=read-write` or `primary`). They are tried in random order, and connected to only as long
    /// as they are standbys.
    std::vector<pg::host_address> hosts{};
    /// Of a pool of its own. Connections are made when reads want them: `minimum` must be 0.
    pool_options pool{.minimum = 0, .maximum = 20};
    /// How long a read waits for a connection that has to be made or checked before it goes to the primary. It does
    /// not wait when all are in use.
    std::chrono::milliseconds patience{100};
};

} // namespace tradecore
