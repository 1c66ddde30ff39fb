// SPDX-License-Identifier: Apache-2.0
#include "connection/workloads.hpp"

#include <tradecore/pg/connection.hpp>

#include <boost/describe.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace tradecore::bench {

namespace asio = boost::asio;

namespace {

struct item {
    std::int64_t id;
    std::int32_t quantity;
    std::string name;
    timestamptz at;
};
BOOST_DESCRIBE_STRUCT(item, (), (id, quantity, name, at))

class reader {
public:
    void read(const pg::row& row)
    {
        read(
            row[0].as<std::int64_t>(), row[1].as<std::int32_t>(), row[2].as<std::string_view>(),
            row[3].as<timestamptz>());
    }

    void read(std::int64_t id, std::int32_t quantity, std::string_view name, timestamptz at)
    {
        sum_ += static_cast<std::uint64_t>(id) + static_cast<std::uint64_t>(quantity) + name.size();
        latest_ = std::max(latest_, static_cast<std::int64_t>(at.time_since_epoch().count()));
        ++rows_;
    }

    void print(const moment& from, const moment& to) const
    {
        print_record(from, to, 1, rows_, sum_ + static_cast<std::uint64_t>(latest_ - first_unix_time));
    }

private:
    std::uint64_t sum_ = 0;
    std::uint64_t rows_ = 0;
    std::int64_t latest_ = first_unix_time;
};

/// The statement is prepared before the clock runs, as the others do it.
asio::awaitable<std::shared_ptr<pg::connection>> ready(arguments given)
{
    const auto on = co_await connected(std::move(given));
    (void)co_await on->fetch(TRADECORE_BENCH_ROWS_SQL, std::int64_t{1});
    co_return on;
}

} // namespace

asio::awaitable<void> rows_read(arguments given)
{
    const auto on = co_await ready(given);
    reader into;
    const moment from;
    const auto answer = co_await on->fetch(TRADECORE_BENCH_ROWS_SQL, static_cast<std::int64_t>(given.rows));
    for (const auto row : answer)
        into.read(row);
    into.print(from, moment());
}

asio::awaitable<void> rows_mapped(arguments given)
{
    const auto on = co_await ready(given);
    reader into;
    const moment from;
    const auto items = co_await on->fetch<item>(TRADECORE_BENCH_ROWS_SQL, static_cast<std::int64_t>(given.rows));
    for (const auto& each : items)
        into.read(each.id, each.quantity, each.name, each.at);
    into.print(from, moment());
}

asio::awaitable<void> rows_streamed(arguments given)
{
    const auto on = co_await ready(given);
    reader into;
    const moment from;
    auto cursor = co_await on->cursor(TRADECORE_BENCH_ROWS_SQL, static_cast<std::int64_t>(given.rows));
    for (auto slice = co_await cursor.next(); !slice.empty(); slice = co_await cursor.next())
        for (const auto row : slice)
            into.read(row);
    into.print(from, moment());
}

} // namespace tradecore::bench
