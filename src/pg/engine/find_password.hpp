// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/auth/secret.hpp"

#include <tradecore/pg/connect_options.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace tradecore::pg::engine {

struct found_password {
    auth::secret password{};
    /// Why a place where it should have been was passed over; empty when none was.
    std::string note{};
};

/// Finds the password for a host: the options' own, else the provider's, else the password file's.
/// @param deadline for the provider. @throws timeout_error when that passes; whatever the provider throws.
[[nodiscard]] boost::asio::awaitable<found_password> find_password(
    boost::asio::any_io_executor executor, std::shared_ptr<const connect_options> options, host_address host,
    std::chrono::steady_clock::time_point deadline);

} // namespace tradecore::pg::engine
