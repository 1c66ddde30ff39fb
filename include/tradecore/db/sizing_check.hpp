// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/database.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <vector>

namespace tradecore {

/// An open database and how many connections all workers may make to it.
struct sized_database {
    database handle;
    std::size_t wanted;
};

/// Asks the servers what they allow and logs what is too little, as `sizing_complaints` words it; `init_all` does, also
/// of standbys. A question that cannot be asked, or not within three seconds, says nothing, nor does one that a pooler
/// would answer.
/// @param of one connection of each is used.
/// @param workers for the text: `wanted` counts all of them already.
/// Cancellation: terminal. Thread safety: as of the databases.
[[nodiscard]] boost::asio::awaitable<void> warn_about_sizing(std::vector<sized_database> of, std::size_t workers);

} // namespace tradecore
