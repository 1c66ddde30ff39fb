// SPDX-License-Identifier: Apache-2.0
#include "common/meter.hpp"
#include "common/wire.hpp"
#include "common/workload.hpp"
#include "libpq/client.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <sys/epoll.h>
#include <unistd.h>
#include <vector>

namespace tradecore::bench {
namespace {

// The one parameter, as libpq wants it.
struct parameter {
    std::int32_t value = 0;
    const char* values = reinterpret_cast<const char*>(&value);
    int lengths = sizeof value;
    int formats = 1;

    void set(std::int32_t account) { value = wire::swapped(account); }
};

std::uint64_t balance(const PGresult* answer)
{
    return static_cast<std::uint64_t>(wire::load<std::int32_t>(PQgetvalue(answer, 0, 0)));
}

struct asker {
    explicit asker(const arguments& given) : connection(connected(given))
    {
        prepare(connection.get(), TRADECORE_BENCH_POINT_SQL);
        if (PQsetnonblocking(connection.get(), 1) != 0)
            fail(connection.get());
    }

    void send(account_ids& accounts)
    {
        argument.set(accounts.next());
        if (PQsendQueryPrepared(connection.get(), "s", 1, &argument.values, &argument.lengths, &argument.formats, 1) ==
            0)
            fail(connection.get());
    }

    pq_connection connection;
    parameter argument;
    std::size_t pending = 0; // ends of statements, or in a pipeline Syncs, that are awaited
    bool waits_for_room = false;
};

class event_loop {
public:
    explicit event_loop(const arguments& given) : events_(::epoll_create1(EPOLL_CLOEXEC))
    {
        for (std::size_t i = 0; i < given.connections; ++i) {
            auto& made = *askers_.emplace_back(std::make_unique<asker>(given));
            watch(made, EPOLL_CTL_ADD);
        }
    }
    ~event_loop() { ::close(events_); }
    event_loop(const event_loop&) = delete;
    event_loop& operator=(const event_loop&) = delete;

    [[nodiscard]] const std::vector<std::unique_ptr<asker>>& askers() const noexcept { return askers_; }

    void flush(asker& each) const
    {
        const int left = PQflush(each.connection.get());
        if (left < 0)
            fail(each.connection.get());
        if ((left == 1) != each.waits_for_room) {
            each.waits_for_room = left == 1;
            watch(each, EPOLL_CTL_MOD);
        }
    }

    /// Calls `take(asker)` for everybody who has something to read.
    template <class F>
    void turn(F take)
    {
        const int number = ::epoll_wait(events_, ready_.data(), static_cast<int>(ready_.size()), -1);
        for (int i = 0; i < number; ++i) {
            const auto& event = ready_[static_cast<std::size_t>(i)];
            auto& each = *static_cast<asker*>(event.data.ptr);
            if ((event.events & EPOLLOUT) != 0)
                flush(each);
            if ((event.events & ~static_cast<std::uint32_t>(EPOLLOUT)) == 0)
                continue;
            if (PQconsumeInput(each.connection.get()) == 0)
                fail(each.connection.get());
            take(each);
        }
    }

private:
    void watch(asker& each, int how) const
    {
        epoll_event wanted{};
        wanted.events = static_cast<std::uint32_t>(each.waits_for_room ? EPOLLIN | EPOLLOUT : EPOLLIN);
        wanted.data.ptr = &each;
        ::epoll_ctl(events_, how, PQsocket(each.connection.get()), &wanted);
    }

    int events_;
    std::vector<std::unique_ptr<asker>> askers_;
    std::array<epoll_event, 128> ready_{};
};

} // namespace

void point_synchronous(const arguments& given)
{
    account_ids accounts(given.seed);
    const auto on = connected(given);
    prepare(on.get(), TRADECORE_BENCH_POINT_SQL);
    parameter argument;
    meter count(given);
    do {
        argument.set(accounts.next());
        const pq_result answer(
            PQexecPrepared(on.get(), "s", 1, &argument.values, &argument.lengths, &argument.formats, 1));
        require(on.get(), answer.get(), PGRES_TUPLES_OK);
        count.use(balance(answer.get()));
    } while (count.count());
}

void point_asynchronous(const arguments& given)
{
    account_ids accounts(given.seed);
    event_loop loop(given);
    meter count(given);
    for (const auto& each : loop.askers()) {
        each->send(accounts);
        each->pending = 1;
        loop.flush(*each);
    }
    while (!count.over()) {
        loop.turn([&](asker& each) {
            auto* const on = each.connection.get();
            while (each.pending != 0 && PQisBusy(on) == 0) {
                if (const pq_result answer(PQgetResult(on)); answer) {
                    require(on, answer.get(), PGRES_TUPLES_OK);
                    count.use(balance(answer.get()));
                    continue;
                }
                --each.pending;
                if (count.count()) {
                    each.send(accounts);
                    each.pending = 1;
                    loop.flush(each);
                }
            }
        });
    }
}

void point_pipelined(const arguments& given, bool sync_each)
{
    account_ids accounts(given.seed);
    event_loop loop(given);
    for (const auto& each : loop.askers())
        if (PQenterPipelineMode(each->connection.get()) == 0)
            fail(each->connection.get());
    const auto sync = [](asker& each) {
        if (PQpipelineSync(each.connection.get()) == 0)
            fail(each.connection.get());
        ++each.pending;
    };
    const auto send = [&](asker& each, std::size_t number) {
        for (std::size_t i = 0; i < number; ++i) {
            each.send(accounts);
            if (sync_each)
                sync(each);
        }
        if (!sync_each)
            sync(each);
        loop.flush(each);
    };
    meter count(given);
    for (const auto& each : loop.askers())
        send(*each, given.depth);
    while (!count.over()) {
        loop.turn([&](asker& each) {
            auto* const on = each.connection.get();
            std::size_t answered = 0;
            std::size_t synced = 0;
            while (each.pending != 0 && PQisBusy(on) == 0) {
                const pq_result answer(PQgetResult(on));
                if (!answer)
                    continue; // stands between the answers of two statements
                if (PQresultStatus(answer.get()) == PGRES_PIPELINE_SYNC) {
                    --each.pending;
                    ++synced;
                    continue;
                }
                require(on, answer.get(), PGRES_TUPLES_OK);
                count.use(balance(answer.get()));
                ++answered;
            }
            if ((answered == 0 || count.count(answered)) && synced != 0)
                send(each, sync_each ? synced : given.depth);
        });
    }
}

} // namespace tradecore::bench
