// SPDX-License-Identifier: Apache-2.0
// A database with its pool, as a program uses it.
//   point   `callers` coroutines, `connections` connections at most
#include "common/callers.hpp"

#include <tradecore/db/database.hpp>

#include <boost/asio/this_coro.hpp>

namespace tradecore::bench {
namespace {

namespace asio = boost::asio;

asio::awaitable<void> point(arguments given, asio::io_context& loop)
{
    database_options options;
    options.connect = pg::connect_options::parse(given.dsn());
    options.pool.minimum = given.connections;
    options.pool.maximum = given.connections;
    options.pool.exhaustion_threshold = 1;
    const auto main = std::make_shared<database>(co_await asio::this_coro::executor, options);
    co_await main->open();
    const auto run = std::make_shared<point_run>(given);
    for (std::size_t i = 0; i < given.callers; ++i)
        start(loop, ask_for_accounts(main, run, loop));
}

} // namespace
} // namespace tradecore::bench

int main(int count, char** values)
{
    using namespace tradecore::bench;
    const auto given = parse_arguments(count, values);
    if (given.workload != "point")
        refuse(given);
    boost::asio::io_context loop(1);
    start(loop, point(given, loop));
    loop.run();
    return 0;
}
