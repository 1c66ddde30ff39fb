// SPDX-License-Identifier: Apache-2.0
// pg::connection on one event loop of one thread.
//   point   `callers` coroutines on `connections` connections
//   rows    mode read    an untyped result whose fields are read in place
//           mode mapped  a vector of structs
//   unnest
#include "connection/workloads.hpp"

#include <boost/asio/this_coro.hpp>

namespace tradecore::bench {

namespace asio = boost::asio;

asio::awaitable<std::shared_ptr<pg::connection>> connected(arguments given)
{
    co_return co_await pg::connection::connect(
        co_await asio::this_coro::executor, pg::connect_options::parse(given.dsn()));
}

namespace {

asio::awaitable<void> chosen(const arguments& given, asio::io_context& loop)
{
    if (given.workload == "point")
        return point(given, loop);
    if (given.workload == "rows" && given.mode == "read")
        return rows_read(given);
    if (given.workload == "rows" && given.mode == "mapped")
        return rows_mapped(given);
    if (given.workload == "unnest")
        return unnest(given);
    refuse(given);
}

} // namespace
} // namespace tradecore::bench

int main(int count, char** values)
{
    using namespace tradecore::bench;
    const auto given = parse_arguments(count, values);
    boost::asio::io_context loop(1);
    start(loop, chosen(given, loop));
    loop.run();
    return 0;
}
