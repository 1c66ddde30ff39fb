// SPDX-License-Identifier: Apache-2.0
// What a database that one thread uses pays for those that several use.
#include "db/support/fake_database.hpp"

#include <tradecore/db/database.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace tradecore {
namespace {

namespace asio = boost::asio;

/// A connection that needs no event loop: it has the answer.
class prompt_connection final : public physical_connection {
public:
    asio::awaitable<pg::result> run(pg::statement /*what*/) override { co_return pg::result(); }
    asio::awaitable<std::vector<pg::result>> run_script(sql_text /*text*/, pg::call_options /*options*/) override
    {
        pg::result answer;
        answer.finish("COMMIT");
        std::vector<pg::result> answers;
        answers.push_back(std::move(answer));
        co_return answers;
    }
    void close() noexcept override { open_ = false; }
    [[nodiscard]] bool is_open() const noexcept override { return open_; }
    [[nodiscard]] std::size_t in_flight() const noexcept override { return 0; }
    [[nodiscard]] pg::transaction_status status() const noexcept override { return pg::transaction_status::idle; }
    [[nodiscard]] std::int32_t backend_pid() const noexcept override { return 1; }
    [[nodiscard]] std::string_view parameter(std::string_view /*name*/) const noexcept override { return {}; }

private:
    bool open_ = true;
};

/// @returns how many functions the event loop has run for so many statements.
std::size_t work_of_loop(threads used_by, int statements)
{
    asio::io_context context(1);
    auto options = test::quiet_options();
    options.used_by = used_by;
    const auto connect = []() -> asio::awaitable<std::unique_ptr<physical_connection>> {
        co_return std::make_unique<prompt_connection>();
    };
    const auto work = [](database main, int times) -> asio::awaitable<void> {
        co_await main.open();
        for (int i = 0; i < times; ++i)
            co_await main.execute("SELECT 1");
        co_await main.close();
    };
    database main(context.get_executor(), options, connect);
    asio::co_spawn(context, work(main, statements), asio::detached);
    return context.run();
}

TEST(threads, cost_nothing_when_there_is_one)
{
    // Statements that a connection answers at once never go through the event loop; nothing else sends them there.
    EXPECT_EQ(work_of_loop(threads::one, 1), work_of_loop(threads::one, 1'001));
    EXPECT_GE(work_of_loop(threads::several, 1'001), 2'000U + work_of_loop(threads::several, 1));

    asio::io_context context(1);
    const database one(
        context.get_executor(), test::quiet_options(),
        []() -> asio::awaitable<std::unique_ptr<physical_connection>> { co_return nullptr; });
    EXPECT_EQ(one.pool_executor(), asio::any_io_executor(context.get_executor()));
}

} // namespace
} // namespace tradecore
