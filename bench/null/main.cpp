// SPDX-License-Identifier: Apache-2.0
// The physical limit: messages are encoded before the clock runs, replies are counted and not looked into.
//   point   mode window  each reply lets one statement more go (depth 1: one in flight)
//           mode batch   the next `depth` statements go when all of the last have been answered
//   rows    replies are read and dropped
//   copy    the same thousand rows again and again
#include "common/arguments.hpp"
#include "common/meter.hpp"
#include "common/wire.hpp"
#include "common/workload.hpp"
#include "null/session.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <unistd.h>
#include <vector>

namespace tradecore::bench {
namespace {

/// Bind of statement "s" with one binary parameter and binary results.
std::string bind_message(std::string_view parameter)
{
    std::string payload;
    payload += '\0';
    payload += "s";
    payload += '\0';
    for (const auto word : std::array<std::int16_t, 3>{1, 1, 1}) // one format code, binary; one parameter
        wire::append(payload, word);
    wire::append(payload, static_cast<std::int32_t>(parameter.size()));
    payload += parameter;
    for (const auto word : std::array<std::int16_t, 2>{1, 1}) // one format code for all columns, binary
        wire::append(payload, word);
    std::string message;
    wire::append_message(message, 'B', payload);
    return message;
}

std::string execute_and_sync()
{
    std::string messages;
    wire::append_message(messages, 'E', std::string_view("\0\0\0\0\0", 5));
    wire::append_message(messages, 'S', {});
    return messages;
}

// Where the value of bind_message's parameter begins.
constexpr std::size_t parameter_offset = 5 + 1 + 2 + 6 + 4;

struct asker {
    asker(const arguments& given, std::string_view one) : session(given), size(one.size())
    {
        for (std::size_t i = 0; i < given.depth; ++i)
            messages += one;
    }

    /// Sends `count` statements.
    void ask(std::size_t count, account_ids& accounts)
    {
        for (std::size_t i = 0; i < count; ++i)
            wire::store(messages.data() + i * size + parameter_offset, accounts.next());
        session.send(std::string_view(messages).substr(0, count * size));
        pending += count;
    }

    null_session session;
    std::string messages;
    std::size_t size;
    std::size_t pending = 0;
};

void point(const arguments& given)
{
    const bool batch = given.mode == "batch";
    account_ids accounts(given.seed);
    const std::string one = bind_message(std::string(4, '\0')) + execute_and_sync();
    std::vector<std::unique_ptr<asker>> askers;
    const int events = ::epoll_create1(EPOLL_CLOEXEC);
    for (std::size_t i = 0; i < given.connections; ++i) {
        auto& made = *askers.emplace_back(std::make_unique<asker>(given, one));
        made.session.prepare(TRADECORE_BENCH_POINT_SQL);
        made.session.make_non_blocking();
        epoll_event wanted{};
        wanted.events = EPOLLIN;
        wanted.data.ptr = &made;
        ::epoll_ctl(events, EPOLL_CTL_ADD, made.session.descriptor(), &wanted);
    }
    meter count(given);
    for (const auto& each : askers)
        each->ask(given.depth, accounts);
    std::array<epoll_event, 128> ready{};
    while (!count.over()) {
        const int number = ::epoll_wait(events, ready.data(), static_cast<int>(ready.size()), -1);
        for (int i = 0; i < number && !count.over(); ++i) {
            auto& each = *static_cast<asker*>(ready[static_cast<std::size_t>(i)].data.ptr);
            const auto answered = each.session.receive('Z');
            each.pending -= answered;
            if (answered == 0 || !count.count(answered))
                continue;
            if (!batch)
                each.ask(answered, accounts);
            else if (each.pending == 0)
                each.ask(given.depth, accounts);
        }
    }
    ::close(events);
}

void rows(const arguments& given)
{
    null_session session(given);
    session.prepare(TRADECORE_BENCH_ROWS_SQL);
    std::string number;
    wire::append(number, static_cast<std::int64_t>(given.rows));
    const moment from;
    session.send(bind_message(number) + execute_and_sync());
    session.receive_until('Z');
    print_record(from, moment(), 1, given.rows, 0);
}

void copy(const arguments& given)
{
    constexpr std::size_t chunk = 1'000;
    if (given.rows % chunk != 0)
        refuse(given);
    std::string rows(chunk * wire::copy_row_size, '\0');
    char* into = rows.data();
    for (std::size_t i = 0; i < chunk; ++i)
        into = wire::store_copy_row(into, static_cast<std::int64_t>(i));
    std::string message;
    wire::append_message(message, 'd', rows);

    null_session session(given);
    const moment from;
    std::string start;
    wire::append_message(start, 'Q', std::string("COPY bulk FROM STDIN (FORMAT binary)") + '\0');
    session.send(start);
    session.receive_until('G');
    std::string header;
    wire::append_message(header, 'd', wire::copy_header);
    session.send(header);
    for (std::uint64_t sent = 0; sent < given.rows; sent += chunk)
        session.send(message);
    std::string trailer;
    wire::append(trailer, wire::copy_trailer);
    std::string end;
    wire::append_message(end, 'd', trailer);
    wire::append_message(end, 'c', {});
    session.send(end);
    session.receive_until('Z');
    print_record(from, moment(), 1, given.rows, 0);
}

} // namespace
} // namespace tradecore::bench

int main(int count, char** values)
{
    using namespace tradecore::bench;
    const auto given = parse_arguments(count, values);
    if (given.workload == "point" && (given.mode == "window" || given.mode == "batch"))
        point(given);
    else if (given.workload == "rows")
        rows(given);
    else if (given.workload == "copy")
        copy(given);
    else
        refuse(given);
    return 0;
}
