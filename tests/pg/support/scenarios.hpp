// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/connection.hpp>

#include <boost/asio/awaitable.hpp>

#include <ostream>
#include <span>
#include <string>
#include <string_view>

namespace tradecore::test {

/// One of the things that connections do, from its first message to its last.
struct scenario {
    std::string_view name;
    boost::asio::awaitable<std::string> (*run)(pg::connection& on);
    /// What `run` returns with a `toy_backend` on the other side that nobody disturbs.
    std::string_view result;

    friend void PrintTo(const scenario& each, std::ostream* out) { *out << each.name; }
};

/// All of them, each on a connection that has just been made.
[[nodiscard]] std::span<const scenario> scenarios();

} // namespace tradecore::test
