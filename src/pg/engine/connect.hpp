// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/engine/link.hpp"

#include <tradecore/pg/connect_options.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>

namespace tradecore::pg::engine {

/// Tries the hosts of the options, in their order or a random one, until a session of the kind that is wanted is
/// ready; each within `options.connect_timeout`.
///
/// The next host is tried when one cannot be reached, breaks off, takes too long, cannot take a session now (57P03),
/// has no room (53300) or is not of the wanted kind. Any other refusal ends the search: a wrong password would be
/// wrong for the next one, too, or would not be noticed.
/// @throws as `connection::connect`, with the reason of each host; std::invalid_argument as
///         `connect_options::validate`, before anything else is done.
[[nodiscard]] boost::asio::awaitable<std::shared_ptr<link>>
connect(boost::asio::any_io_executor executor, connect_options options);

} // namespace tradecore::pg::engine
