// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/configuration.hpp>
#include <tradecore/db/database.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <functional>
#include <vector>

namespace tradecore::detail {

/// An open database and how many connections all workers may make to it.
struct sized_database {
    std::reference_wrapper<database> handle;
    std::size_t wanted;
};

/// Asks the servers what they allow and logs what is too little. A question that cannot be asked says nothing.
[[nodiscard]] boost::asio::awaitable<void> warn_about_sizing(std::vector<sized_database> of, std::size_t workers);

} // namespace tradecore::detail
