// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "common/arguments.hpp"

#include <libpq-fe.h>

#include <memory>
#include <string_view>

namespace tradecore::bench {

struct pq_deleter {
    void operator()(PGconn* what) const noexcept { PQfinish(what); }
    void operator()(PGresult* what) const noexcept { PQclear(what); }
};
using pq_connection = std::unique_ptr<PGconn, pq_deleter>;
using pq_result = std::unique_ptr<PGresult, pq_deleter>;

/// Ends the program with libpq's message.
[[noreturn]] void fail(PGconn* on);
/// @returns a connection; whatever goes wrong here and below ends the program.
pq_connection connected(const arguments& given);
/// Prepares the statement called "s"; types are the server's.
void prepare(PGconn* on, const char* sql);
void run(PGconn* on, const char* sql);
/// Ends the program unless the result is of this kind.
void require(PGconn* on, const PGresult* answer, ExecStatusType wanted);
/// Waits until there is something to read, or, if it is wanted, room to write.
void wait_for(PGconn* on, bool room);

// The workloads; each prints the record.
void point_synchronous(const arguments& given);
void point_asynchronous(const arguments& given);
void point_pipelined(const arguments& given, bool sync_each);
void rows_materialised(const arguments& given);
void rows_streamed(const arguments& given);
void copy(const arguments& given);
void execute_many(const arguments& given);
void unnest(const arguments& given);

} // namespace tradecore::bench
