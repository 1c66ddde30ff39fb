// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/begin_session.hpp"

#include "pg/engine/connect_failure.hpp"
#include "pg/fsm/startup.hpp"

#include <tradecore/pg/error.hpp>

#include <sys/socket.h>
#include <utility>

namespace tradecore::pg::engine {

namespace asio = boost::asio;

namespace {

fsm::login login_for(const tls_channel* channel, int family, found_password password)
{
    fsm::login as;
    as.password = std::move(password.password);
    as.password_note = std::move(password.note);
    as.nonce = fsm::scram_client::fresh_nonce();
    as.local = family == AF_UNIX;
    if (channel != nullptr) {
        as.encrypted = true;
        as.end_point = channel->end_point();
    }
    return as;
}

/// @returns why the machine ended without a session; null when there is one.
std::exception_ptr refusal_of(const fsm::startup& machine, const std::string& server)
{
    if (const auto& refusal = machine.refusal())
        return make_server_error(*refusal, "connect to " + server);
    if (const auto& ours = machine.objected())
        return std::make_exception_ptr(connection_error(ours->code, "cannot connect to " + server + ": " + ours->text));
    return nullptr;
}

} // namespace

asio::awaitable<begun_session> begin_session(
    socket_ptr socket, boost::asio::generic::stream_protocol::endpoint address, std::unique_ptr<tls_channel> channel,
    std::shared_ptr<const connect_options> options, host_address host, found_password password,
    exchange::clock::time_point deadline)
{
    const auto server = options->describe(host);
    peer_facts facts{address, server, channel ? channel->context() : nullptr, options->require_peer};
    const auto start = make_exchange<fsm::startup>(
        *options, login_for(channel.get(), address.protocol().family(), std::move(password)));
    start->deadline = deadline;
    const auto session = std::make_shared<link>(std::move(*socket), server, std::move(channel));
    session->statements.limit(options->statement_cache_size);
    session->cancel_timeout = options->cancel_timeout;
    session->host = std::move(host);
    if (options->types)
        session->types = options->types;

    begun_session begun;
    auto& machine = start->machine();
    try {
        machine.begin(session->outgoing());
        session->start();
        session->queue(start);
        co_await session->wait(start);
        begun.failure = refusal_of(machine, server);
        begun.refused_unknown = machine.refusal() && !machine.authenticated() && !is_worth_another_host(begun.failure);
    }
    catch (...) {
        begun.failure = std::current_exception();
    }
    if (begun.failure) {
        session->close(begun.failure);
        co_return begun;
    }
    session->trust();
    if (machine.key()) {
        session->key = *machine.key();
        session->server = std::move(facts);
    }
    begun.session = session;
    co_return begun;
}

} // namespace tradecore::pg::engine
