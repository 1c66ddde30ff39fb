// SPDX-License-Identifier: Apache-2.0
#include "connection/workloads.hpp"

#include <tradecore/pg/connection.hpp>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <ranges>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace tradecore::bench {

namespace asio = boost::asio;

namespace {

timestamptz time_of(std::int64_t row)
{
    return timestamptz(std::chrono::microseconds(first_unix_time + row * 1'000'000));
}

/// The rows that are written, made one by one; each is valid until the next one is made.
auto written_rows(std::uint64_t number, std::array<char, name_length>& name)
{
    return std::views::iota(std::int64_t{0}, static_cast<std::int64_t>(number)) |
           std::views::transform([&name](std::int64_t row) {
               write_name(row, name.data());
               return std::tuple(row, amount_of(row), std::string_view(name.data(), name.size()), time_of(row));
           });
}

/// The columns of one statement.
class chunk {
public:
    void fill(std::uint64_t first, std::size_t number)
    {
        ids.resize(number);
        amounts.resize(number);
        names.resize(number);
        times.resize(number);
        for (std::size_t i = 0; i < number; ++i) {
            const auto row = static_cast<std::int64_t>(first + i);
            ids[i] = row;
            amounts[i] = amount_of(row);
            names[i].resize(name_length);
            write_name(row, names[i].data());
            times[i] = time_of(row);
        }
    }

    std::vector<std::int64_t> ids;
    std::vector<std::int64_t> amounts;
    std::vector<std::string> names;
    std::vector<timestamptz> times;
};

/// Takes chunks as long as there are any; several of these share a connection, and so what is left.
asio::awaitable<void> insert_chunks(std::shared_ptr<pg::connection> on, std::uint64_t rows, std::uint64_t& next)
{
    chunk columns;
    while (next < rows) {
        const auto first = next;
        next += unnest_chunk;
        columns.fill(first, static_cast<std::size_t>(std::min<std::uint64_t>(unnest_chunk, rows - first)));
        (void)co_await on->execute(
            TRADECORE_BENCH_UNNEST_SQL, columns.ids, columns.amounts, columns.names, columns.times);
    }
}

} // namespace

asio::awaitable<void> copy(arguments given)
{
    const auto on = co_await connected(given);
    std::array<char, name_length> name{};
    const std::vector<std::string> columns{"id", "amount", "name", "at"};
    const moment from;
    const auto stored = co_await on->copy_in("bulk", columns, written_rows(given.rows, name));
    print_record(from, moment(), 1, stored, 0);
}

asio::awaitable<void> execute_many(arguments given)
{
    const auto on = co_await connected(given);
    std::array<char, name_length> name{};
    (void)co_await on->execute_many(TRADECORE_BENCH_INSERT_SQL, written_rows(0, name));
    const moment from;
    const auto stored = co_await on->execute_many(TRADECORE_BENCH_INSERT_SQL, written_rows(given.rows, name));
    print_record(from, moment(), given.rows, stored, 0);
}

asio::awaitable<void> unnest(arguments given)
{
    using namespace asio::experimental::awaitable_operators;
    const auto on = co_await connected(given);
    const chunk none;
    (void)co_await on->execute(TRADECORE_BENCH_UNNEST_SQL, none.ids, none.amounts, none.names, none.times);
    std::uint64_t next = 0;
    const moment from;
    (void)co_await on->execute("BEGIN");
    if (given.depth == 1)
        co_await insert_chunks(on, given.rows, next);
    else
        co_await (insert_chunks(on, given.rows, next) && insert_chunks(on, given.rows, next));
    (void)co_await on->execute("COMMIT");
    print_record(from, moment(), (given.rows + unnest_chunk - 1) / unnest_chunk, given.rows, 0);
}

} // namespace tradecore::bench
