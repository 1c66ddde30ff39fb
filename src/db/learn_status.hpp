// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/physical_connection.hpp>

#include <boost/asio/awaitable.hpp>

namespace tradecore::detail {

/// Awaits what is under way on a connection: only then its transaction's status is known. An empty command is answered
/// in failed transactions, too.
/// @param on must live until the end. Cancellation and limits are the connection's: what closes it ends this.
inline boost::asio::awaitable<void> learn_status(physical_connection& on)
{
    try {
        co_await on.run_script({"", nullptr}, {});
    }
    catch (...) { // NOLINT(bugprone-empty-catch): whatever it was, the next command meets it, too
    }
}

} // namespace tradecore::detail
