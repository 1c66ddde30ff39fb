// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/connect_options.hpp>
#include <tradecore/pg/connection.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>

namespace tradecore::detail {

/// As `pg::connection::connect`. When the server refuses a password that came from a provider or a passfile, it is
/// asked for or read again, once: it may just have been changed. What stands in the options does not change.
[[nodiscard]] boost::asio::awaitable<std::unique_ptr<pg::connection>>
connect_afresh(boost::asio::any_io_executor executor, pg::connect_options options);

} // namespace tradecore::detail
