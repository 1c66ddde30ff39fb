// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/engine/link.hpp"

#include <tradecore/pg/host_address.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>

namespace tradecore::pg::engine {

/// Finds out whether a session is of the kind that is wanted: servers from version 14 on have said so during start-up,
/// others (and poolers) are asked.
/// @returns why it is not, such as "is a standby"; empty when it is.
/// @throws what asking can meet: connection_error, timeout_error, server_error.
/// Source: PostgreSQL documentation, libpq's `target_session_attrs`.
[[nodiscard]] boost::asio::awaitable<std::string>
why_unwanted(std::shared_ptr<link> session, target_session_attributes wanted, exchange::clock::time_point deadline);

} // namespace tradecore::pg::engine
