// SPDX-License-Identifier: Apache-2.0
#include "connection/workloads.hpp"

#include <vector>

namespace tradecore::bench {

namespace asio = boost::asio;

asio::awaitable<void> point(arguments given, asio::io_context& loop)
{
    std::vector<std::shared_ptr<pg::connection>> connections;
    for (std::size_t i = 0; i < given.connections; ++i)
        connections.push_back(co_await connected(given));
    const auto run = std::make_shared<point_run>(given);
    for (std::size_t i = 0; i < given.callers; ++i)
        start(loop, ask_for_accounts(connections[i % connections.size()], run, loop));
}

} // namespace tradecore::bench
