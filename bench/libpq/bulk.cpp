// SPDX-License-Identifier: Apache-2.0
#include "common/record.hpp"
#include "common/wire.hpp"
#include "common/workload.hpp"
#include "libpq/client.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace tradecore::bench {
namespace {

/// Takes results until `wanted` Syncs have been answered.
void take_syncs(PGconn* on, std::size_t wanted, ExecStatusType of_each)
{
    while (wanted != 0) {
        while (PQisBusy(on) != 0) {
            const int left = PQflush(on);
            if (left < 0)
                fail(on);
            wait_for(on, left == 1);
            if (PQconsumeInput(on) == 0)
                fail(on);
        }
        const pq_result answer(PQgetResult(on));
        if (!answer)
            continue;
        if (PQresultStatus(answer.get()) == PGRES_PIPELINE_SYNC)
            --wanted;
        else
            require(on, answer.get(), of_each);
    }
}

std::string array_of(std::int32_t element_type, std::size_t number, std::size_t element_size)
{
    std::string made;
    made.reserve(20 + number * (4 + element_size));
    for (const auto word : {std::int32_t{1}, std::int32_t{0}, element_type, static_cast<std::int32_t>(number), 1})
        wire::append(made, word);
    return made;
}

} // namespace

void copy(const arguments& given)
{
    constexpr std::size_t chunk = std::size_t{64} * 1024;
    const auto on = connected(given);
    const moment from;
    require(
        on.get(), pq_result(PQexec(on.get(), "COPY bulk (id, amount, name, at) FROM STDIN (FORMAT binary)")).get(),
        PGRES_COPY_IN);
    std::string buffer(chunk, '\0');
    std::size_t filled = wire::copy_header.copy(buffer.data(), wire::copy_header.size());
    const auto put = [&] {
        if (PQputCopyData(on.get(), buffer.data(), static_cast<int>(filled)) != 1)
            fail(on.get());
        filled = 0;
    };
    for (std::uint64_t row = 0; row < given.rows; ++row) {
        if (filled + wire::copy_row_size + sizeof wire::copy_trailer > chunk)
            put();
        wire::store_copy_row(buffer.data() + filled, static_cast<std::int64_t>(row));
        filled += wire::copy_row_size;
    }
    wire::store(buffer.data() + filled, wire::copy_trailer);
    filled += sizeof wire::copy_trailer;
    put();
    if (PQputCopyEnd(on.get(), nullptr) != 1)
        fail(on.get());
    require(on.get(), pq_result(PQgetResult(on.get())).get(), PGRES_COMMAND_OK);
    print_record(from, moment(), 1, given.rows, 0);
}

void execute_many(const arguments& given)
{
    const auto on = connected(given);
    prepare(on.get(), TRADECORE_BENCH_INSERT_SQL);
    const moment from;
    run(on.get(), "BEGIN");
    if (PQsetnonblocking(on.get(), 1) != 0 || PQenterPipelineMode(on.get()) == 0)
        fail(on.get());
    std::array<char, 24 + name_length> buffer{};
    const std::array<const char*, 4> values{
        buffer.data(), buffer.data() + 8, buffer.data() + 16, buffer.data() + 16 + name_length};
    const std::array<int, 4> lengths{8, 8, static_cast<int>(name_length), 8};
    const std::array<int, 4> formats{1, 1, 1, 1};
    std::size_t chunks = 0;
    for (std::uint64_t i = 0; i < given.rows; ++i) {
        const auto row = static_cast<std::int64_t>(i);
        wire::store(wire::store(buffer.data(), row), amount_of(row));
        write_name(row, buffer.data() + 16);
        wire::store(buffer.data() + 16 + name_length, first_wire_time + row * 1'000'000);
        if (PQsendQueryPrepared(on.get(), "s", 4, values.data(), lengths.data(), formats.data(), 1) == 0)
            fail(on.get());
        if ((i + 1) % insert_chunk == 0 || i + 1 == given.rows) {
            if (PQpipelineSync(on.get()) == 0)
                fail(on.get());
            // Two chunks are under way: one is worked on while the next one is written.
            if (++chunks > 1)
                take_syncs(on.get(), 1, PGRES_COMMAND_OK);
        }
    }
    take_syncs(on.get(), std::min<std::size_t>(chunks, 1), PGRES_COMMAND_OK);
    if (PQexitPipelineMode(on.get()) == 0 || PQsetnonblocking(on.get(), 0) != 0)
        fail(on.get());
    run(on.get(), "COMMIT");
    print_record(from, moment(), given.rows, given.rows, 0);
}

void unnest(const arguments& given)
{
    const auto on = connected(given);
    prepare(on.get(), TRADECORE_BENCH_UNNEST_SQL);
    const moment from;
    run(on.get(), "BEGIN");
    std::uint64_t statements = 0;
    for (std::uint64_t first = 0; first < given.rows; first += unnest_chunk) {
        const auto number = static_cast<std::size_t>(std::min<std::uint64_t>(unnest_chunk, given.rows - first));
        std::array<std::string, 4> arrays{
            array_of(20, number, 8), array_of(20, number, 8), array_of(25, number, name_length),
            array_of(1184, number, 8)};
        for (std::size_t i = 0; i < number; ++i) {
            const auto row = static_cast<std::int64_t>(first + i);
            std::array<char, 4 + name_length> element{};
            wire::store_int8(element.data(), row);
            arrays[0].append(element.data(), 12);
            wire::store_int8(element.data(), amount_of(row));
            arrays[1].append(element.data(), 12);
            wire::store_name(element.data(), row);
            arrays[2].append(element.data(), element.size());
            wire::store_int8(element.data(), first_wire_time + row * 1'000'000);
            arrays[3].append(element.data(), 12);
        }
        std::array<const char*, 4> values{};
        std::array<int, 4> lengths{};
        const std::array<int, 4> formats{1, 1, 1, 1};
        for (std::size_t i = 0; i < 4; ++i) {
            values[i] = arrays[i].data();
            lengths[i] = static_cast<int>(arrays[i].size());
        }
        require(
            on.get(),
            pq_result(PQexecPrepared(on.get(), "s", 4, values.data(), lengths.data(), formats.data(), 1)).get(),
            PGRES_COMMAND_OK);
        ++statements;
    }
    run(on.get(), "COMMIT");
    print_record(from, moment(), statements, given.rows, 0);
}

} // namespace tradecore::bench
