// SPDX-License-Identifier: Apache-2.0
#include "scenarios.hpp"

#include <tuple>
#include <vector>

namespace tradecore::test {

namespace {

namespace asio = boost::asio;

void add(std::string& to, std::int32_t number)
{
    to += std::to_string(number) + ' ';
}

asio::awaitable<std::string> prepare_and_run_again(pg::connection& on)
{
    std::string seen;
    for (std::int64_t i = 0; i < 2; ++i)
        for (const auto number : co_await on.fetch<std::int32_t>("SELECT rows WHERE x = $1", i))
            add(seen, number);
    co_return seen;
}

asio::awaitable<std::string> fail_and_go_on(pg::connection& on)
{
    try {
        (void)co_await on.fetchval<std::int32_t>("SELECT fail");
    }
    catch (const pg::server_error& error) {
        if (error.diagnostics().code.text() == "57014")
            throw;
    }
    co_return std::to_string(co_await on.fetchval<std::int32_t>("SELECT $1", 1));
}

asio::awaitable<std::string> script(pg::connection& on)
{
    const auto answers = co_await on.run_script({"SELECT 1; SELECT rows; INSERT", nullptr});
    co_return std::to_string(answers.size());
}

asio::awaitable<std::string> read_cursor(pg::connection& on)
{
    std::string seen;
    pg::cursor_options how;
    how.rows = 2;
    auto rows = co_await on.cursor<std::int32_t>(how, "SELECT rows");
    for (auto slice = co_await rows.next(); !slice.empty(); slice = co_await rows.next())
        for (const auto number : slice)
            add(seen, number);
    co_return seen;
}

asio::awaitable<std::string> leave_cursor(pg::connection& on)
{
    pg::cursor_options how;
    how.rows = 1;
    {
        auto rows = co_await on.cursor<std::int32_t>(how, "SELECT rows");
        (void)co_await rows.next();
    }
    co_return std::to_string(co_await on.fetchval<std::int32_t>("SELECT 1"));
}

asio::awaitable<std::string> copy_rows_in(pg::connection& on)
{
    std::vector<std::tuple<std::int32_t, std::int32_t>> rows{{1, 2}, {3, 4}, {5, 6}};
    co_return std::to_string(co_await on.copy_in("trades", {"a", "b"}, std::move(rows)));
}

asio::awaitable<std::string> copy_text_in(pg::connection& on)
{
    auto stream = co_await on.copy_in_stream("COPY trades FROM STDIN");
    co_await stream.write("1\t2\n");
    co_await stream.write(std::string(100'000, 'x') + '\n');
    co_return std::to_string(co_await stream.finish());
}

asio::awaitable<std::string> leave_copy_in(pg::connection& on)
{
    {
        auto stream = co_await on.copy_in_stream("COPY trades FROM STDIN");
        co_await stream.write("1\t2\n");
    }
    co_return std::to_string(co_await on.fetchval<std::int32_t>("SELECT 1"));
}

asio::awaitable<std::string> copy_rows_out(pg::connection& on)
{
    std::string seen;
    auto rows = co_await on.copy_out<std::int32_t>("SELECT rows");
    for (auto slice = co_await rows.next(); !slice.empty(); slice = co_await rows.next())
        for (const auto number : slice)
            add(seen, number);
    co_return seen;
}

asio::awaitable<std::string> copy_text_out(pg::connection& on)
{
    std::string seen;
    auto stream = co_await on.copy_out_stream("COPY trades TO STDOUT");
    for (auto piece = co_await stream.read(); !piece.empty(); piece = co_await stream.read())
        seen += piece;
    co_return seen;
}

asio::awaitable<std::string> run_batch(pg::connection& on, pg::batch_mode mode)
{
    pg::batch work(mode);
    const auto first = work.add<std::int32_t>("SELECT $1", 1);
    const auto second = work.add_rows<std::int32_t>("SELECT rows");
    (void)work.add_execute("INSERT");
    auto answers = co_await on.run(std::move(work));
    answers.require_success();
    co_return std::to_string(answers.get(first)) + ' ' + std::to_string(answers.get(second).size());
}

asio::awaitable<std::string> batch_together(pg::connection& on)
{
    return run_batch(on, pg::batch_mode::one_transaction);
}

asio::awaitable<std::string> batch_alone(pg::connection& on)
{
    return run_batch(on, pg::batch_mode::each_alone);
}

asio::awaitable<std::string> execute_many(pg::connection& on)
{
    std::vector<std::int32_t> rows{1, 2, 3};
    co_return std::to_string(co_await on.execute_many("INSERT $1", std::move(rows)));
}

asio::awaitable<std::string> listen(pg::connection& on)
{
    auto feed = co_await on.listen("news");
    const auto told = co_await feed.next();
    co_return told.payload;
}

asio::awaitable<std::string> transaction(pg::connection& on)
{
    (void)co_await on.execute("BEGIN");
    const auto number = co_await on.fetchval<std::int32_t>("SELECT $1", 1);
    (void)co_await on.execute("COMMIT");
    co_return std::to_string(number);
}

constexpr scenario all[] = {
    {"prepare_and_run_again", prepare_and_run_again, "7 8 9 7 8 9 "},
    {"fail_and_go_on", fail_and_go_on, "7"},
    {"script", script, "3"},
    {"read_cursor", read_cursor, "7 8 9 "},
    {"leave_cursor", leave_cursor, "7"},
    {"copy_rows_in", copy_rows_in, "3"},
    {"copy_text_in", copy_text_in, "3"},
    {"leave_copy_in", leave_copy_in, "7"},
    {"copy_rows_out", copy_rows_out, "7 8 9 "},
    {"copy_text_out", copy_text_out, "7\n8\n9\n"},
    {"batch_together", batch_together, "7 3"},
    {"batch_alone", batch_alone, "7 3"},
    {"execute_many", execute_many, "3"},
    {"listen", listen, "hello"},
    {"transaction", transaction, "7"},
};

} // namespace

std::span<const scenario> scenarios()
{
    return all;
}

} // namespace tradecore::test
