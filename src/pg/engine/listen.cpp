// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/bulk.hpp"
#include "pg/engine/notification_hub.hpp"
#include "pg/fsm/query.hpp"
#include "pg/protocol/frontend.hpp"

#include <tradecore/pg/error.hpp>
#include <tradecore/pg/identifier.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <utility>

namespace tradecore::pg::engine {

namespace asio = boost::asio;

namespace {

asio::awaitable<void> unlisten(std::shared_ptr<link> on, std::string channel)
{
    if (!on->is_open())
        co_return;
    if (!on->is_free())
        co_await on->enter(exchange::no_deadline);
    // Somebody may have begun to listen in the meantime.
    if (!on->is_open() || (on->notifications && on->notifications->has_listeners(channel)))
        co_return;
    const auto exchange = make_exchange<fsm::script>();
    protocol::write_query(on->outgoing(), "UNLISTEN " + quote_identifier(channel));
    on->queue(exchange);
    co_await on->wait(exchange);
}

notification_hub& hub_of(const std::shared_ptr<link>& on)
{
    if (!on->notifications) {
        on->notifications =
            std::make_shared<notification_hub>(on->executor(), [weak = std::weak_ptr(on)](std::string channel) {
                if (const auto owner = weak.lock(); owner && owner->is_open())
                    asio::co_spawn(owner->executor(), unlisten(owner, std::move(channel)), asio::detached);
            });
    }
    return *on->notifications;
}

} // namespace

asio::awaitable<listener> listen(std::shared_ptr<link> on, std::string channel, listen_options options)
{
    const auto command = "LISTEN " + quote_identifier(channel);
    on->require_open();
    auto& hub = hub_of(on);
    // First the queue, then the command: nothing is missed in between.
    listener made(std::make_shared<feed>(on->notifications, channel, options));
    if (hub.is_established(channel))
        co_return made;
    if (!on->is_free())
        co_await on->enter(exchange::no_deadline);
    on->require_open();
    const auto exchange = make_exchange<fsm::script>();
    protocol::write_query(on->outgoing(), command);
    on->queue(exchange);
    co_await on->wait(exchange);
    if (auto& error = exchange->machine().error())
        std::rethrow_exception(error_of(*exchange, std::move(*error), "LISTEN"));
    if (!exchange->began_idle())
        throw argument_error(
            "LISTEN inside a transaction begins to work only when that is committed: listen outside of it");
    hub.establish(channel);
    co_return made;
}

} // namespace tradecore::pg::engine
