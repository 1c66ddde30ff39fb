// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/bulk.hpp"
#include "pg/engine/call.hpp"
#include "pg/engine/notification_hub.hpp"
#include "pg/engine/traced_query.hpp"
#include "pg/fsm/query.hpp"
#include "pg/protocol/frontend.hpp"

#include <tradecore/pg/error.hpp>
#include <tradecore/pg/identifier.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace tradecore::pg::engine {

namespace asio = boost::asio;
using namespace tradecore::pg::literals;

namespace {

std::string text_of(std::string_view verb, std::string_view channel)
{
    return std::string(verb) + ' ' + quote_identifier(channel);
}

using script_exchange = boost::intrusive_ptr<exchange_of<fsm::script>>;

/// Sends LISTEN or UNLISTEN; the link must be free.
void send(link& on, const script_exchange& exchange, std::string_view verb, std::string_view channel)
{
    protocol::write_query(on.outgoing(), text_of(verb, channel));
    on.queue(exchange);
}

asio::awaitable<void> unlisten(std::shared_ptr<link> on, std::string channel)
{
    const auto exchange = make_exchange<fsm::script>();
    exchange->patience = on->cancel_timeout;
    send(*on, exchange, "UNLISTEN", channel);
    on->notifications->asked_to_stop(channel);
    co_await on->wait(exchange);
    auto& error = exchange->machine().error();
    const bool undone = !exchange->began_idle() || (error && error->code == "57014"_sqlstate);
    on->notifications->stopped(channel, !undone);
    if (error)
        std::rethrow_exception(error_of(*exchange, std::move(*error), "UNLISTEN"));
}

asio::awaitable<void> unlisten_traced(std::shared_ptr<link> on, std::string channel)
{
    const auto text = text_of("UNLISTEN", channel);
    traced_query query(on->trace, "UNLISTEN", {text, nullptr});
    co_await watch(query, unlisten(std::move(on), std::move(channel)));
    query.ended(0, nullptr);
}

/// Goes on until it is done, or a transaction has begun: what is sent in that may be undone or refused.
asio::awaitable<void> unlisten_all(std::shared_ptr<link> on, std::shared_ptr<notification_hub> hub)
{
    co_await asio::post(on->executor(), asio::use_awaitable);
    for (;;) {
        if (!on->is_free())
            co_await on->enter(exchange::no_deadline);
        if (!on->is_open() || on->status != transaction_status::idle)
            break;
        auto channel = hub->next_unheard();
        if (!channel)
            break;
        try {
            co_await (on->trace ? unlisten_traced(on, std::move(*channel)) : unlisten(on, std::move(*channel)));
        }
        catch (const server_error&) {
            // Either it is tried again, or this server does not know of listening.
        }
        catch (const timeout_error&) {
            // It was stopped, and is tried again; or the connection was closed.
        }
    }
    hub->stopped_unlistening();
}

notification_hub& hub_of(const std::shared_ptr<link>& on)
{
    if (!on->notifications) {
        on->notifications = std::make_shared<notification_hub>(on->executor(), [weak = std::weak_ptr(on)] {
            if (const auto owner = weak.lock(); owner && owner->is_open())
                asio::co_spawn(owner->executor(), unlisten_all(owner, owner->notifications), asio::detached);
        });
    }
    return *on->notifications;
}

asio::awaitable<void> ask_to_listen(std::shared_ptr<link> on, std::string channel, call_options options)
{
    const auto deadline = deadline_of(*on, options);
    if (!on->is_free())
        co_await on->enter(deadline);
    on->require_open();
    const auto exchange = make_exchange<fsm::script>();
    exchange->deadline = deadline;
    send(*on, exchange, "LISTEN", channel);
    on->notifications->asked(channel);
    co_await on->wait(exchange);
    if (auto& error = exchange->machine().error())
        std::rethrow_exception(error_of(*exchange, std::move(*error), label_of(options, "LISTEN")));
    if (!exchange->began_idle())
        throw argument_error(
            "LISTEN inside a transaction begins to work only when that is committed: listen outside of it");
    on->notifications->establish(channel);
}

asio::awaitable<void> ask_to_listen_traced(std::shared_ptr<link> on, std::string channel, call_options options)
{
    const auto text = text_of("LISTEN", channel);
    traced_query query(on->trace, label_of(options, "LISTEN"), {text, nullptr});
    co_await watch(query, ask_to_listen(std::move(on), std::move(channel), options));
    query.ended(0, nullptr);
}

} // namespace

asio::awaitable<listener> listen(std::shared_ptr<link> on, std::string channel, listen_options options)
{
    (void)quote_identifier(channel); // refuses what is none
    on->require_open();
    auto& hub = hub_of(on);
    // First the queue, then the command: nothing is missed in between.
    listener made(std::make_shared<feed>(on->notifications, channel, options));
    if (!hub.is_established(channel))
        co_await (
            on->trace ? ask_to_listen_traced(on, std::move(channel), options.call)
                      : ask_to_listen(on, std::move(channel), options.call));
    co_return made;
}

} // namespace tradecore::pg::engine
