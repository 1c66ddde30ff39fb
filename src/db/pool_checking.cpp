// SPDX-License-Identifier: Apache-2.0
#include "db/close_after.hpp"
#include "db/pool_waiter.hpp"

#include <tradecore/observe/log.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace tradecore::detail {
namespace asio = boost::asio;

// Who needs the answer waits in line like everybody else: it is served by whatever comes first, keeps its place and its
// own time limit, and may be cancelled without harm to the connection.

void pool_core::start_check(slot which)
{
    entries_[which].users.set({.kind = "check", .label = {}, .keeps = {}});
    entries_[which].since = clock::now();
    if (!entries_[which].connection->is_open() || state_.must_end(which, entries_[which].since)) {
        drop(which);
        return;
    }
    // Posted, so that no check ends before its caller has begun to wait.
    asio::post(executor_, [self = shared_from_this(), which] {
        asio::co_spawn(self->executor_, check(self, which), asio::detached);
    });
}

asio::awaitable<void> pool_core::check(std::shared_ptr<pool_core> self, slot which)
{
    physical_connection& silent = *self->entries_[which].connection;
    bool answered = false;
    bool in_time = true;
    {
        const close_after limit(self->executor_, self->options_.validation_timeout, silent);
        try {
            // An empty statement: neither parsed nor planned, and no snapshot is taken for it.
            co_await silent.run_script({"", nullptr}, {});
            answered = is_clean(silent);
        }
        catch (...) {
            answered = false;
        }
        in_time = !limit.closed();
    }
    if (self->stage_ != stage::abandoned)
        self->check_ended(which, answered, in_time);
}

void pool_core::check_ended(slot which, bool answered, bool in_time)
{
    const auto now = clock::now();
    const auto began = entries_[which].since;
    if (!takes_part()) {
        drop(which);
        return;
    }
    if (answered && !state_.must_end(which, now)) {
        if (const auto next = state_.check_passed(which, now))
            hand_over(which, *next);
        else
            entries_[which].users.clear();
    }
    else {
        drop(which);
    }
    if (!in_time) {
        const auto suspects = state_.take_suspects(now, began);
        close_removed(suspects);
        observe::log(
            observe::level::warn, "an idle connection did not answer and was closed",
            {{"database", name_},
             {"waited_ms", options_.validation_timeout.count()},
             {"closed_with_it", suspects.size()}});
    }
    pump();
}

} // namespace tradecore::detail
