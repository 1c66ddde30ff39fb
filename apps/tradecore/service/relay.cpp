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

relay::relay(parts with) : with_(std::move(with)) {}

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
    saved_ = position;
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

asio::awaitable<std::size_t> relay::advance(patience with_unanswered)
{
    if (waiting_.size() < batch) {
        auto more = co_await log_->next(batch);
        waiting_.insert(waiting_.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    }
    const auto recorded = co_await answered();
    std::size_t passed = 0;
    std::int64_t position = saved_;
    while (!waiting_.empty()) {
        const auto event = waiting_.front();
        if (with_.wants_answer(event) && !recorded.contains(event.id)) {
            if (with_unanswered == patience::endless || under_way_->contains(event.id))
                break;
            // Its append may be so fresh that its caller has not begun to deliver: look twice.
            if (with_unanswered == patience::some && suspect_ != event.id) {
                suspect_ = event.id;
                break;
            }
            co_await with_.deliver(event);
            ++redelivered_;
        }
        position = event.position;
        waiting_.pop_front();
        ++passed;
    }
    if (position != saved_)
        co_await save(position);
    co_return passed;
}

asio::awaitable<void> relay::save(std::int64_t position)
{
    const auto saved = co_await with_.checkpoints.execute(
        "UPDATE proj.checkpoint SET position = $2, updated_at = now()"
        " WHERE projection = $1 AND version = 1 AND source = 'relay' AND shard = 0 AND position = $3",
        with_.name, position, saved_);
    if (saved.rows_affected() != 1)
        throw std::runtime_error("the checkpoint of " + with_.name + " was moved by somebody else");
    saved_ = position;
}

asio::awaitable<void> relay::run(unanswered what)
{
    const auto patient = what == unanswered::leave ? patience::endless : patience::some;
    co_await prepare();
    pause_.emplace(co_await asio::this_coro::executor);
    while (!stopping_) {
        if (co_await advance(patient) >= batch)
            continue;
        boost::system::error_code stopped;
        pause_->expires_after(look_every);
        co_await pause_->async_wait(asio::redirect_error(asio::use_awaitable, stopped));
    }
}

asio::awaitable<void> relay::catch_up()
{
    co_await prepare();
    const auto head = co_await with_.from.head();
    while (saved_ < head)
        if (co_await advance(patience::none) == 0)
            co_await with_.from.wait(saved_, look_every);
}

void relay::stop() noexcept
{
    stopping_ = true;
    if (pause_)
        pause_->cancel();
}

} // namespace tradecore::app::service
