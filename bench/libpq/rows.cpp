// SPDX-License-Identifier: Apache-2.0
#include "common/record.hpp"
#include "common/wire.hpp"
#include "common/workload.hpp"
#include "libpq/client.hpp"

#include <string_view>

namespace tradecore::bench {
namespace {

class reader {
public:
    void read(const PGresult* answer)
    {
        const int number = PQntuples(answer);
        for (int row = 0; row < number; ++row) {
            sum_ += static_cast<std::uint64_t>(wire::load<std::int64_t>(PQgetvalue(answer, row, 0)));
            sum_ += static_cast<std::uint64_t>(wire::load<std::int32_t>(PQgetvalue(answer, row, 1)));
            const std::string_view name(
                PQgetvalue(answer, row, 2), static_cast<std::size_t>(PQgetlength(answer, row, 2)));
            sum_ += name.size();
            const auto at = wire::load<std::int64_t>(PQgetvalue(answer, row, 3));
            latest_ = at > latest_ ? at : latest_;
        }
        rows_ += static_cast<std::uint64_t>(number);
    }

    void print(const moment& from) const
    {
        print_record(from, moment(), 1, rows_, sum_ + static_cast<std::uint64_t>(latest_ - first_wire_time));
    }

private:
    std::uint64_t sum_ = 0;
    std::uint64_t rows_ = 0;
    std::int64_t latest_ = first_wire_time;
};

void ask(PGconn* on, const arguments& given)
{
    const auto number = wire::swapped(static_cast<std::int64_t>(given.rows));
    const char* const value = reinterpret_cast<const char*>(&number);
    const int length = sizeof number;
    const int format = 1;
    if (PQsendQueryPrepared(on, "s", 1, &value, &length, &format, 1) == 0)
        fail(on);
}

} // namespace

void rows_materialised(const arguments& given)
{
    const auto on = connected(given);
    prepare(on.get(), TRADECORE_BENCH_ROWS_SQL);
    reader into;
    const moment from;
    ask(on.get(), given);
    while (const pq_result answer{PQgetResult(on.get())}) {
        require(on.get(), answer.get(), PGRES_TUPLES_OK);
        into.read(answer.get());
    }
    into.print(from);
}

void rows_streamed(const arguments& given)
{
    const auto on = connected(given);
    prepare(on.get(), TRADECORE_BENCH_ROWS_SQL);
    reader into;
    const moment from;
    ask(on.get(), given);
    if (PQsetSingleRowMode(on.get()) == 0)
        fail(on.get());
    while (const pq_result answer{PQgetResult(on.get())}) {
        // The last one has no row.
        if (PQresultStatus(answer.get()) != PGRES_SINGLE_TUPLE)
            require(on.get(), answer.get(), PGRES_TUPLES_OK);
        into.read(answer.get());
    }
    into.print(from);
}

} // namespace tradecore::bench
