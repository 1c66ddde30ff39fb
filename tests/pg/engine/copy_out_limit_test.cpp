// SPDX-License-Identifier: Apache-2.0
#include "../support/backend.hpp"
#include "../support/scripted_server.hpp"
#include "../support/task.hpp"

#include <tradecore/pg/connection.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using namespace tradecore;
using namespace tradecore::test;
namespace asio = boost::asio;

asio::awaitable<std::size_t> read_late(std::string host)
{
    pg::connect_options options;
    options.hosts = {{.host = std::move(host), .hostaddr = {}, .port = 5432}};
    options.tls.mode = pg::ssl_mode::disable;
    options.user = "trader";
    const auto executor = co_await asio::this_coro::executor;
    const auto connection = co_await pg::connection::connect(executor, options);
    auto data = co_await connection->copy_out_stream("COPY t TO STDOUT", {.progress = {}, .call = {.timeout = 20ms}});
    while (connection->in_flight() > 0)
        co_await asio::post(executor, asio::use_awaitable);
    std::size_t bytes = 0;
    for (auto piece = co_await data.read(); !piece.empty(); piece = co_await data.read())
        bytes += piece.size();
    co_return bytes;
}

// The server has sent everything before the request to stop could reach it.
TEST(copy_out_limit, is_no_success_when_data_was_dropped)
{
    std::string all = backend::parse_complete() + backend::bind_complete() +
                      backend::message('H', std::string(1, '\0') + backend::i16(0));
    for (int i = 0; i < 100; ++i)
        all += backend::message('d', std::string(10'000, 'x'));
    all += backend::message('c', "") + backend::complete("COPY 100") + backend::ready();
    asio::io_context context(1);
    scripted_server server(
        context, {backend::authentication_ok() + backend::key(1, 2) + backend::ready(), all, "never sent"}, {});
    task<std::size_t> reading(context.get_executor(), read_late(server.host()));
    std::exception_ptr error;
    std::size_t bytes = 0;
    asio::co_spawn(context, reading.result(), [&](const std::exception_ptr& thrown, std::size_t read) {
        error = thrown;
        bytes = read;
        context.stop();
    });
    context.run();
    ASSERT_TRUE(error) << bytes;
    EXPECT_THROW(std::rethrow_exception(error), pg::timeout_error);
}

} // namespace
