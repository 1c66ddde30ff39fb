// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/engine/link.hpp"

#include <tradecore/pg/connect_options.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>

namespace tradecore::pg::engine {

/// What became of one host.
struct host_outcome {
    /// A session that is ready; null when there is none.
    std::shared_ptr<link> session{};
    /// Why the session is not of the kind that is wanted; empty when it is.
    std::string unwanted{};
    /// Why there is no session; null when there is one.
    std::exception_ptr failure{};
};

/// Tries one host: its addresses in turn, encryption as `sslmode` says, authentication, and whether the session is of
/// the kind that is wanted; all within `options.connect_timeout`.
/// @returns also its failures: what is thrown is not about the host (a cancellation, memory).
[[nodiscard]] boost::asio::awaitable<host_outcome>
try_host(boost::asio::any_io_executor executor, std::shared_ptr<const connect_options> options, host_address host);

} // namespace tradecore::pg::engine
