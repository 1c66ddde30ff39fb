// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <sys/types.h>

namespace tradecore::events::test {

/// A session of another program: what it does is neither seen nor woken by the store under test.
class other_session {
public:
    explicit other_session(const std::string& dsn) : connection_(PQconnectdb(dsn.c_str()), &PQfinish) {}

    void run(const std::string& sql)
    {
        const std::unique_ptr<PGresult, decltype(&PQclear)> answer(PQexec(connection_.get(), sql.c_str()), &PQclear);
        const auto status = PQresultStatus(answer.get());
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
            throw std::runtime_error(PQerrorMessage(connection_.get()));
        }
    }
    void append(const std::string& stream, int events = 1)
    {
        const auto n = std::to_string(events);
        run("SELECT es.append(NULL, ARRAY['" + stream + "'], ARRAY['S'], ARRAY[-1], ARRAY[" + n +
            "], ARRAY(SELECT gen_random_uuid() FROM generate_series(1, " + n + ")), array_fill('E'::text, ARRAY[" + n +
            "]), array_fill(1::bigint, ARRAY[" + n + "]), array_fill('{}'::jsonb, ARRAY[" + n +
            "]), array_fill('null'::jsonb, ARRAY[" + n + "]))");
    }
    [[nodiscard]] pid_t backend() const { return PQbackendPID(connection_.get()); }

private:
    std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

} // namespace tradecore::events::test
