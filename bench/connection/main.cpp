// SPDX-License-Identifier: Apache-2.0
// pg::connection on one event loop of one thread.
//   point   `callers` coroutines on `connections` connections
//   rows    mode read    an untyped result whose fields are read in place
//           mode mapped  a vector of structs
//   rows-streamed  a cursor whose fields are read in place
//   copy, execute-many from a range that makes its rows one by one
//   unnest  `depth` statements in flight, 1 or 2
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
    if (given.workload == "rows-streamed")
        return rows_streamed(given);
    if (given.workload == "copy")
        return copy(given);
    if (given.workload == "execute-many")
        return execute_many(given);
    if (given.workload == "unnest" && given.depth <= 2)
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
