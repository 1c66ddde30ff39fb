// SPDX-License-Identifier: Apache-2.0
#include "connection/workloads.hpp"

#include <tradecore/pg/connection.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

namespace tradecore::bench {

namespace asio = boost::asio;

namespace {

timestamptz time_of(std::int64_t row)
{
    return timestamptz(std::chrono::microseconds(first_unix_time + row * 1'000'000));
}

std::string name_of(std::int64_t row)
{
    std::string made(name_length, '\0');
    write_name(row, made.data());
    return made;
}

} // namespace

asio::awaitable<void> unnest(arguments given)
{
    const auto on = co_await connected(given);
    const std::vector<std::int64_t> no_numbers;
    (void)co_await on->execute(
        TRADECORE_BENCH_UNNEST_SQL, no_numbers, no_numbers, std::vector<std::string>{}, std::vector<timestamptz>{});
    const moment from;
    (void)co_await on->execute("BEGIN");
    std::uint64_t statements = 0;
    for (std::uint64_t first = 0; first < given.rows; first += unnest_chunk) {
        const auto number = std::min<std::uint64_t>(unnest_chunk, given.rows - first);
        std::vector<std::int64_t> ids;
        std::vector<std::int64_t> amounts;
        std::vector<std::string> names;
        std::vector<timestamptz> times;
        ids.reserve(number);
        amounts.reserve(number);
        names.reserve(number);
        times.reserve(number);
        for (auto row = static_cast<std::int64_t>(first); ids.size() < number; ++row) {
            ids.push_back(row);
            amounts.push_back(amount_of(row));
            names.push_back(name_of(row));
            times.push_back(time_of(row));
        }
        (void)co_await on->execute(TRADECORE_BENCH_UNNEST_SQL, ids, amounts, names, times);
        ++statements;
    }
    (void)co_await on->execute("COMMIT");
    print_record(from, moment(), statements, given.rows, 0);
}

} // namespace tradecore::bench
