// SPDX-License-Identifier: Apache-2.0
#include "simulate/workers.hpp"

#include "simulate/databases.hpp"
#include "simulate/systems.hpp"
#include "simulate/trade.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/observe/log.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>
#include <fmt/format.h>

#include <cerrno>
#include <stdexcept>
#include <sys/socket.h>
#include <system_error>
#include <utility>

// Over the socket go lines. To a worker: one object of variables, at which it begins. From it: "order" for each order
// placed, and at last an object, its figures or an error.

namespace tradecore::app::simulate {

namespace asio = boost::asio;
using variables = std::map<std::string, std::string>;

namespace {

constexpr std::string_view order_line = "order\n";

/// What: a line without its end; nothing when the other end is closed.
std::optional<std::string> receive_line(int channel)
{
    std::string line;
    for (char next = 0;;) {
        const auto got = ::recv(channel, &next, 1, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return std::nullopt;
        if (next == '\n')
            return line;
        line += next;
    }
}

void send_all(int channel, std::string_view text)
{
    while (!text.empty()) {
        const auto sent = ::send(channel, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            throw std::system_error(errno, std::generic_category(), "the program that started this worker is gone");
        if (sent > 0)
            text.remove_prefix(static_cast<std::size_t>(sent));
    }
}

environment with_variables(const environment& from, variables first)
{
    return [from, first = std::move(first)](std::string_view name) -> std::optional<std::string> {
        if (const auto found = first.find(std::string(name)); found != first.end())
            return found->second;
        return from(name);
    };
}

asio::awaitable<figures> take_part(
    databases& where, const options& wanted, const market::price_series& prices, domain::quantity max_fill, share mine,
    std::function<void()> on_order)
{
    const lost_commits commits;
    co_await where.join();
    systems both(where.main(), where.vb(), prices, max_fill, wanted.with_outages());
    co_await where.keep_locked(trade(both, wanted, prices, mine, std::move(on_order)));
    auto made = both.traded();
    made.repeated_by_databases = where.repeated();
    made.lost_commits = commits.seen();
    co_await where.leave();
    co_return made;
}

/// What: a worker's whole run. Blocks.
figures work(
    int channel, const variables& told, const options& wanted, const market::price_series& prices,
    domain::quantity max_fill, share mine, const environment& from)
{
    auto server = wanted;
    server.data.reset(); // it runs already, and who disturbs it is elsewhere
    server.chaos.reset();
    databases where(server, with_variables(from, told));
    asio::io_context loop(1);
    std::exception_ptr failure;
    figures made;
    asio::co_spawn(
        loop, take_part(where, wanted, prices, max_fill, mine, [channel] { send_all(channel, order_line); }),
        [&](std::exception_ptr thrown, figures done) {
            failure = std::move(thrown);
            made = std::move(done);
            loop.stop();
        });
    loop.run();
    if (failure)
        std::rethrow_exception(failure);
    return made;
}

/// What the environment holds and errors say may be in any encoding.
boost::json::value parse(std::string_view message)
{
    return boost::json::parse(message, {}, {.allow_invalid_utf8 = true});
}

int run_worker(
    int channel, const options& wanted, const market::price_series& prices, domain::quantity max_fill, share mine,
    const environment& from)
{
    const auto start = receive_line(channel);
    if (!start)
        return EXIT_SUCCESS;
    boost::json::object last;
    int status = EXIT_SUCCESS;
    try {
        const auto told = boost::json::value_to<variables>(parse(*start));
        last = to_json(work(channel, told, wanted, prices, max_fill, mine, from));
    }
    catch (const std::exception& error) {
        last = {{"error", error.what()}};
        status = EXIT_FAILURE;
    }
    send_all(channel, boost::json::serialize(last) + "\n");
    return status;
}

} // namespace

workers::workers(
    const options& wanted, const market::price_series& prices, domain::quantity max_fill, const environment& from)
    : made_(wanted.workers)
{
    for (std::uint32_t index = 0; index < wanted.workers; ++index) {
        const auto& started =
            processes_.emplace_back(fmt::format("worker {} of {}", index + 1, wanted.workers), [&](int channel) {
                for (auto& sibling : processes_)
                    sibling.disown();
                return run_worker(channel, wanted, prices, max_fill, {.index = index, .of = wanted.workers}, from);
            });
        observe::log(observe::level::info, started.name() + " is there", {{"pid", started.pid()}});
    }
}

asio::awaitable<void> workers::follow(std::size_t index, std::string start, std::function<void()> on_order)
{
    auto& process = processes_[index];
    asio::local::stream_protocol::socket channel(
        co_await asio::this_coro::executor, asio::local::stream_protocol(), process.take_channel());
    boost::system::error_code ended; // how it ended is what the process says
    co_await asio::async_write(channel, asio::buffer(start), asio::redirect_error(asio::use_awaitable, ended));
    std::string received;
    boost::json::object last;
    for (;;) {
        const auto length = co_await asio::async_read_until(
            channel, asio::dynamic_buffer(received), '\n', asio::redirect_error(asio::use_awaitable, ended));
        if (ended == asio::error::operation_aborted)
            throw boost::system::system_error(ended);
        if (ended)
            break;
        if (received.starts_with(order_line))
            on_order();
        else
            last = parse(std::string_view(received).substr(0, length)).as_object();
        received.erase(0, length);
    }
    const auto failure = process.wait();
    if (const auto* error = last.if_contains("error"))
        throw std::runtime_error(fmt::format("{}: {}", process.name(), std::string_view(error->as_string())));
    if (failure)
        throw std::runtime_error(
            fmt::format("{} {}; the same command goes on where this one stopped", process.name(), *failure));
    made_[index] = figures_from(last);
}

asio::awaitable<void> workers::run(variables told, std::function<void()> on_order)
{
    const auto start = boost::json::serialize(boost::json::value_from(told)) + "\n";
    std::vector<asio::awaitable<void>> all;
    for (std::size_t index = 0; index < processes_.size(); ++index)
        all.push_back(follow(index, start, on_order));
    co_await when_all(std::move(all));
}

} // namespace tradecore::app::simulate
