// SPDX-License-Identifier: Apache-2.0
#include "service/relay.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>

#include <stdexcept>

namespace tradecore::app::service {

namespace {

constexpr std::size_t batch = 500;
// Callers deliver within milliseconds; who looks more often than this finds only their work.
constexpr std::chrono::milliseconds look_every{250};

} // namespace

relay::relay(parts with)
    : with_(std::move(with)),
      repeats_(std::make_unique<repeater>("steps of the relay " + with_.name, with_.with_outages))
{}

asio::awaitable<void> relay::prepare()
{
    if (log_)
        co_return;
    const auto store = co_await with_.from.info();
    co_await with_.checkpoints.execute(
        "INSERT INTO proj.checkpoint (projection, version, source, epoch) VALUES ($1, 1, 'relay', $2)"
        " ON CONFLICT DO NOTHING",
        with_.name, store.epoch);
    const auto [position, epoch] = (co_await with_.checkpoints.fetchrow<std::tuple<std::int64_t, uuid>>(
                                        "SELECT position, epoch FROM proj.checkpoint"
                                        " WHERE projection = $1 AND version = 1 AND source = 'relay' AND shard = 0",
                                        with_.name))
                                       .value();
    if (epoch != store.epoch)
        throw std::runtime_error(
            "the checkpoint of " + with_.name + " is of another event store: the store was replaced or restored");
    saved_ = reached_ = position;
    log_ = with_.from.open_log(position);
}

asio::awaitable<std::set<uuid>> relay::answered()
{
    std::vector<uuid> wanted;
    for (const auto& event : waiting_)
        if (with_.wants_answer(event))
            wanted.push_back(event.id);
    std::set<uuid> found;
    if (!wanted.empty()) {
        const auto recorded = co_await with_.to.recorded_commands(std::move(wanted));
        found.insert(recorded.begin(), recorded.end());
    }
    co_return found;
}

asio::awaitable<std::size_t> relay::advance(waiting for_answers)
{
    if (waiting_.size() < batch) {
        auto more = co_await log_->next(batch);
        waiting_.insert(waiting_.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    }
    const auto recorded = co_await answered();
    std::size_t passed = 0;
    while (!waiting_.empty()) {
        const auto event = waiting_.front();
        if (with_.wants_answer(event) && !recorded.contains(event.id)) {
            if (for_answers == waiting::for_ever || under_way_->contains(event.id))
                break;
            // Its append may be so fresh that its caller has not begun to deliver: look twice.
            if (for_answers == waiting::once && suspect_ != event.id) {
                suspect_ = event.id;
                break;
            }
            co_await with_.deliver(event);
            ++redelivered_;
        }
        reached_ = event.position;
        waiting_.pop_front();
        ++passed;
    }
    if (reached_ != saved_)
        co_await save(reached_);
    co_return passed;
}

asio::awaitable<void> relay::save(std::int64_t position)
{
    // Where it is there already, an earlier attempt has brought it there, whose answer was lost.
    const auto saved =
        co_await with_.checkpoints.with({.idempotent = true})
            .execute(
                "UPDATE proj.checkpoint SET position = $2, updated_at = now()"
                " WHERE projection = $1 AND version = 1 AND source = 'relay' AND shard = 0 AND position IN ($2, $3)",
                with_.name, position, saved_);
    if (saved.rows_affected() != 1)
        throw std::runtime_error("the checkpoint of " + with_.name + " was moved by somebody else");
    saved_ = position;
}

asio::awaitable<void> relay::run(unanswered what)
{
    const auto look_twice = what == unanswered::leave ? waiting::for_ever : waiting::once;
    const auto begin = [this] { return prepare(); };
    const auto step = [this, look_twice] { return advance(look_twice); };
    co_await until_answered(*repeats_, begin);
    pause_.emplace(co_await asio::this_coro::executor);
    while (!stopping_) {
        const auto passed = co_await until_answered(*repeats_, step);
        if (passed >= batch)
            continue;
        boost::system::error_code stopped;
        pause_->expires_after(look_every);
        co_await pause_->async_wait(asio::redirect_error(asio::use_awaitable, stopped));
    }
}

asio::awaitable<void> relay::catch_up()
{
    const auto begin = [this] { return prepare(); };
    const auto ask_head = [this] { return with_.from.head(); };
    const auto step = [this] { return advance(waiting::no_more); };
    const auto wait = [this] { return with_.from.wait(saved_, look_every); };
    co_await until_answered(*repeats_, begin);
    const auto head = co_await until_answered(*repeats_, ask_head);
    while (saved_ < head) {
        const auto passed = co_await until_answered(*repeats_, step);
        if (passed == 0)
            co_await until_answered(*repeats_, wait);
    }
}

void relay::stop() noexcept
{
    stopping_ = true;
    if (pause_)
        pause_->cancel();
}

} // namespace tradecore::app::service
