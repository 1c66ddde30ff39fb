// SPDX-License-Identifier: Apache-2.0
// libpqxx, which is synchronous and knows text results only.
//   point
#include "common/arguments.hpp"
#include "common/meter.hpp"
#include "common/workload.hpp"

#include <cstdio>
#include <exception>
#include <pqxx/pqxx>

namespace {

void point(const tradecore::bench::arguments& given)
{
    using namespace tradecore::bench;
    account_ids accounts(given.seed);
    pqxx::connection on(given.dsn());
    on.prepare("s", TRADECORE_BENCH_POINT_SQL);
    pqxx::nontransaction work(on);
    meter count(given);
    do {
        const auto answer = work.exec_prepared1("s", accounts.next());
        count.use(static_cast<std::uint64_t>(answer[0].as<int>()));
    } while (count.count());
}

} // namespace

int main(int count, char** values)
{
    const auto given = tradecore::bench::parse_arguments(count, values);
    if (given.workload != "point")
        tradecore::bench::refuse(given);
    try {
        point(given);
    }
    catch (const std::exception& problem) {
        std::fprintf(stderr, "libpqxx: %s\n", problem.what());
        return 1;
    }
    return 0;
}
