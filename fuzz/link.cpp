// SPDX-License-Identifier: Apache-2.0
// A whole client, from connecting on, with any words of the server, cancelled at any point: each operation gives its
// result or a typed error, and never hangs.
#include "harness/bytes.hpp"
#include "harness/hostile_server.hpp"
#include "harness/messages.hpp"
#include "harness/require.hpp"
#include "pg/support/backend.hpp"
#include "pg/support/scenarios.hpp"

#include <tradecore/pg/connection.hpp>
#include <tradecore/pg/error.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>

namespace {

using namespace tradecore;
using fuzz::require;
namespace asio = boost::asio;

/// How the input wants the run to be.
struct plan {
    std::size_t scenario;
    bool unnamed; // no named statements
    bool greeted; // the server lets the client in before the input begins
    bool glued;   // it says everything at once
    bool cancelled;
    std::size_t cancel_after; // how many of the server's words
};

plan read_plan(fuzz::byte_source& input)
{
    const auto scenario = input.below(test::scenarios().size());
    const auto how = input.u8();
    return {
        .scenario = scenario,
        .unnamed = (how & 1U) != 0,
        .greeted = (how & 2U) == 0,
        .glued = (how & 4U) != 0,
        .cancelled = (how & 8U) != 0,
        .cancel_after = static_cast<std::size_t>(how >> 4U),
    };
}

asio::awaitable<void> run_client(plan how)
{
    pg::connect_options options;
    options.hosts = {{.host = fuzz::hostile_server::host()}};
    options.user = "trader";
    options.password = "pencil";
    options.max_scram_iterations = 8;
    options.statement_cache_size = 2;
    if (how.unnamed)
        options.prepared_statements = pg::prepared_statements::unnamed;
    const auto connection = co_await pg::connection::connect(co_await asio::this_coro::executor, std::move(options));
    (void)co_await test::scenarios()[how.scenario].run(*connection);
}

void require_typed(const std::exception_ptr& thrown, bool cancelled)
{
    try {
        if (thrown)
            std::rethrow_exception(thrown);
    }
    catch (const pg::error&) { // as it should be
    }
    catch (const boost::system::system_error& error) {
        require(cancelled && error.code() == asio::error::operation_aborted, error.what());
    }
}

// The words up to where a client usually has something to say again.
std::string next_words(fuzz::byte_source& input)
{
    std::string words;
    char type = '\0';
    while (!input.empty() && type != 'Z' && type != 'G' && type != 'R') {
        const auto message = fuzz::next_message(input);
        type = message[0];
        words += message;
    }
    return words;
}

void run(plan how, fuzz::byte_source& input)
{
    fuzz::hostile_server server;
    asio::io_context context(1);
    asio::cancellation_signal stop;
    bool ended = false;
    bool cancelled = false;
    std::exception_ptr thrown;
    asio::co_spawn(context, run_client(how), asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr error) {
                       thrown = std::move(error);
                       ended = true;
                   }));

    // Handlers that are ready run until there are none; that is bounded, for nobody else acts meanwhile.
    const auto settle = [&] {
        constexpr std::size_t most_handlers = 100'000;
        std::size_t handlers = 0;
        for (bool active = true; active;) {
            context.restart();
            active = context.poll_one() > 0 || server.listen();
            require(++handlers < most_handlers, "the client comes to rest");
        }
    };
    settle();
    if (how.greeted) {
        namespace backend = test::backend;
        server.say(backend::authentication_ok() + backend::key(1, 2) + backend::ready());
        settle();
    }
    for (std::size_t said = 0; !ended && !input.empty(); ++said) {
        if (how.cancelled && said == how.cancel_after) {
            cancelled = true;
            stop.emit(asio::cancellation_type::terminal);
            settle();
        }
        server.say(how.glued ? fuzz::all_messages(input) : next_words(input));
        settle();
    }
    server.hang_up();
    settle();
    require(ended, "the client does not wait for a server that has gone");
    require_typed(thrown, cancelled);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    fuzz::byte_source input(data, size);
    const auto how = read_plan(input);
    run(how, input);
    return 0;
}
