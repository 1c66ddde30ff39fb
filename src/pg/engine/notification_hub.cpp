// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/notification_hub.hpp"

#include <tradecore/pg/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <utility>

namespace tradecore::pg::engine {

namespace asio = boost::asio;

feed::feed(std::shared_ptr<notification_hub> hub, std::string channel, listen_options options)
    : hub_(std::move(hub)), channel_(std::move(channel)), most_(std::max<std::size_t>(options.queue, 1))
{
    hub_->add(*this);
}

feed::~feed()
{
    abandon();
}

void feed::abandon() noexcept
{
    if (const auto hub = std::exchange(hub_, nullptr))
        hub->remove(*this);
    end(std::make_exception_ptr(
        connection_error(client_errc::connection_closed, "the listener of \"" + channel_ + "\" was given up")));
}

std::optional<notification> feed::try_next()
{
    if (queue_.empty())
        return std::nullopt;
    auto first = std::move(queue_.front());
    queue_.pop_front();
    first.missed = std::exchange(missed_now_, 0);
    return first;
}

asio::awaitable<notification> feed::wait_for_next(std::shared_ptr<feed> self)
{
    for (;;) {
        if (auto next = self->try_next())
            co_return std::move(*next);
        if (self->ended_)
            std::rethrow_exception(self->ended_);
        boost::system::error_code ignored;
        co_await self->wake_->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        const auto state = co_await asio::this_coro::cancellation_state; // throws when the wait was cancelled
        if (state.cancelled() != asio::cancellation_type::none)
            throw boost::system::system_error(asio::error::operation_aborted);
    }
}

void feed::push(const protocol::notification_message& what)
{
    if (queue_.size() >= most_) {
        queue_.pop_front();
        ++missed_;
        ++missed_now_;
    }
    queue_.push_back(
        {.channel = std::string(what.channel), .payload = std::string(what.payload), .backend_pid = what.pid});
    if (wake_)
        wake_->cancel();
}

void feed::end(const std::exception_ptr& why)
{
    if (!ended_)
        ended_ = why;
    if (wake_)
        wake_->cancel();
}

notification_hub::notification_hub(asio::any_io_executor executor, std::function<void()> unlisten)
    : executor_(std::move(executor)), unlisten_(std::move(unlisten))
{}

void notification_hub::add(feed& added)
{
    if (ended_)
        std::rethrow_exception(ended_);
    added.wake_.emplace(executor_, asio::steady_timer::time_point::max());
    channels_[added.channel_].feeds.push_back(&added);
}

void notification_hub::remove(feed& gone) noexcept
{
    const auto found = channels_.find(gone.channel_);
    if (found == channels_.end())
        return;
    std::erase(found->second.feeds, &gone);
    if (!found->second.feeds.empty())
        return;
    if (found->second.asked && !ended_)
        unlisten();
    else
        channels_.erase(found);
}

void notification_hub::unlisten()
{
    has_unheard_ = true;
    if (!std::exchange(unlistening_, true))
        unlisten_();
}

void notification_hub::on_idle()
{
    if (has_unheard_ && !unlistening_)
        unlisten();
}

void notification_hub::deliver(const protocol::notification_message& what)
{
    if (const auto found = channels_.find(what.channel); found != channels_.end()) {
        for (auto* each : found->second.feeds)
            each->push(what);
    }
}

void notification_hub::end(const std::exception_ptr& why)
{
    ended_ = why;
    for (auto& [name, channel] : channels_) {
        channel.established = false;
        for (auto* each : channel.feeds)
            each->end(why);
    }
}

void notification_hub::abandon() noexcept
{
    if (!ended_)
        ended_ = std::make_exception_ptr(
            connection_error(client_errc::connection_closed, "the event loop of the connection has ended"));
    for (auto& [name, channel] : channels_) {
        for (auto* each : channel.feeds) {
            if (!each->ended_)
                each->ended_ = ended_;
            each->wake_.reset();
        }
    }
    executor_ = {};
}

bool notification_hub::is_established(std::string_view channel) const
{
    const auto found = channels_.find(channel);
    return found != channels_.end() && found->second.established;
}

void notification_hub::asked(std::string_view channel)
{
    if (const auto found = channels_.find(channel); found != channels_.end())
        found->second.asked = true;
}

void notification_hub::establish(std::string_view channel)
{
    if (const auto found = channels_.find(channel); found != channels_.end())
        found->second.established = true;
}

std::optional<std::string> notification_hub::next_unheard()
{
    const auto found = std::ranges::find_if(
        channels_, [](const auto& each) { return each.second.asked && each.second.feeds.empty(); });
    has_unheard_ = found != channels_.end();
    return has_unheard_ ? std::optional(found->first) : std::nullopt;
}

void notification_hub::asked_to_stop(std::string_view channel)
{
    if (const auto found = channels_.find(channel); found != channels_.end())
        found->second.asked = found->second.established = false;
}

void notification_hub::stopped(const std::string& channel, bool effective)
{
    if (!effective)
        channels_[channel].asked = has_unheard_ = true;
    else if (const auto found = channels_.find(channel); found != channels_.end()) {
        // Somebody may have begun to listen in the meantime.
        if (found->second.feeds.empty() && !found->second.asked)
            channels_.erase(found);
    }
}

} // namespace tradecore::pg::engine
