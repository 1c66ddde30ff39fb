// SPDX-License-Identifier: Apache-2.0
// libpq as it is meant to be used.
//   point   mode synchronous     PQexecPrepared
//           mode asynchronous    one in flight on each connection, one epoll loop
//           mode pipeline        `depth` in flight on each connection, a Sync each
//           mode pipeline-batch  `depth` in flight on each connection under one Sync
//   rows, rows-streamed (single-row mode), copy, execute-many (pipeline), unnest
#include "libpq/client.hpp"

#include <cstdio>
#include <cstdlib>
#include <poll.h>

namespace tradecore::bench {

void fail(PGconn* on)
{
    std::fprintf(stderr, "libpq: %s\n", PQerrorMessage(on));
    std::exit(1);
}

pq_connection connected(const arguments& given)
{
    pq_connection made(PQconnectdb((given.dsn() + " gssencmode=disable").c_str()));
    if (PQstatus(made.get()) != CONNECTION_OK)
        fail(made.get());
    return made;
}

void require(PGconn* on, const PGresult* answer, ExecStatusType wanted)
{
    if (PQresultStatus(answer) != wanted)
        fail(on);
}

void prepare(PGconn* on, const char* sql)
{
    require(on, pq_result(PQprepare(on, "s", sql, 0, nullptr)).get(), PGRES_COMMAND_OK);
}

void run(PGconn* on, const char* sql)
{
    require(on, pq_result(PQexec(on, sql)).get(), PGRES_COMMAND_OK);
}

void wait_for(PGconn* on, bool room)
{
    pollfd wanted{PQsocket(on), static_cast<short>(room ? POLLIN | POLLOUT : POLLIN), 0};
    ::poll(&wanted, 1, -1);
}

} // namespace tradecore::bench

int main(int count, char** values)
{
    using namespace tradecore::bench;
    const auto given = parse_arguments(count, values);
    if (given.workload == "point" && given.mode == "synchronous")
        point_synchronous(given);
    else if (given.workload == "point" && given.mode == "asynchronous")
        point_asynchronous(given);
    else if (given.workload == "point" && given.mode == "pipeline")
        point_pipelined(given, true);
    else if (given.workload == "point" && given.mode == "pipeline-batch")
        point_pipelined(given, false);
    else if (given.workload == "rows")
        rows_materialised(given);
    else if (given.workload == "rows-streamed")
        rows_streamed(given);
    else if (given.workload == "copy")
        copy(given);
    else if (given.workload == "execute-many")
        execute_many(given);
    else if (given.workload == "unnest")
        unnest(given);
    else
        refuse(given);
    return 0;
}
