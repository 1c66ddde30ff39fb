// SPDX-License-Identifier: Apache-2.0
// A query in twenty lines: what docs/driver.md begins with.
// [query]
#include <tradecore/pg/connection.hpp>

#include <boost/asio.hpp>

#include <cstdio>

namespace asio = boost::asio;
namespace pg = tradecore::pg;

asio::awaitable<void> greet(std::string dsn)
{
    auto connection =
        co_await pg::connection::connect(co_await asio::this_coro::executor, pg::connect_options::parse(dsn));
    auto sum = co_await connection->fetchval<std::int64_t>("SELECT sum(n) FROM generate_series(1, $1) n", 100);
    std::printf("the numbers up to 100 make %lld\n", static_cast<long long>(sum));
}

int main(int argc, char** argv)
{
    asio::io_context context;
    asio::co_spawn(context, greet(argc > 1 ? argv[1] : ""), [](std::exception_ptr failed) {
        if (failed)
            std::rethrow_exception(failed);
    });
    context.run();
}
// [/query]
