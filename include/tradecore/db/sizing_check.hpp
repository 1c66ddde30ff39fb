// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/database.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <functional>
#include <vector>

namespace tradecore {

/// An open database and how many connections all workers may make to it.
struct sized_database {
    std::reference_wrapper<database> handle;
    std::size_t wanted;
};

/// Asks the servers what they allow and logs what is too little, as `sizing_complaints` words it; `init_all` does.
/// A question that cannot be asked says nothing, nor does one that a pooler would answer.
/// @param of one connection of each is used.
/// @param workers for the text: `wanted` counts all of them already.
/// Cancellation: terminal. Thread safety, lifetimes: as of the databases, which must outlive the call.
[[nodiscard]] boost::asio::awaitable<void> warn_about_sizing(std::vector<sized_database> of, std::size_t workers);

} // namespace tradecore
