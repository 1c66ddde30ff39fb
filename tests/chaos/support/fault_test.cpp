// SPDX-License-Identifier: Apache-2.0
#include "chaos/support/fault_test.hpp"

#include "db/support/gate.hpp"

#include <tradecore/db/errors.hpp>
#include <tradecore/errors.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdint>
#include <filesystem>
#include <iterator>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string>
#include <sys/socket.h>

namespace tradecore::test {

std::string word_for(const std::exception_ptr& error)
{
    try {
        std::rethrow_exception(error);
    }
    catch (const server_error& said) {
        return std::string(said.state().text());
    }
    catch (const connection_error&) {
        return "connection_error";
    }
    catch (const timeout_error&) {
        return "timeout_error";
    }
    catch (const protocol_error&) {
        return "protocol_error";
    }
    catch (const pool_timeout&) {
        return "pool_timeout";
    }
    catch (const circuit_open&) {
        return "circuit_open";
    }
    catch (const commit_unknown&) {
        return "commit_unknown";
    }
    catch (const transaction_rolled_back&) {
        return "transaction_rolled_back";
    }
    catch (const database_closed&) {
        return "database_closed";
    }
    catch (const pg::argument_error&) {
        return "argument_error";
    }
    catch (const pg::error& other) {
        return other.code() == disposition::in_doubt ? "in doubt" : "error: " + std::string(other.what());
    }
    catch (const boost::system::system_error& other) {
        return other.code() == asio::error::operation_aborted ? "cancelled" : "untyped: " + std::string(other.what());
    }
    catch (const std::exception& other) {
        return "untyped: " + std::string(other.what());
    }
}

std::size_t open_descriptors()
{
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

asio::awaitable<void> moment()
{
    asio::steady_timer timer(co_await asio::this_coro::executor, 1ms);
    co_await timer.async_wait(asio::use_awaitable);
}

namespace {

/// @returns how many sockets of this process are connected to a port of this machine and have not heard of an end.
std::size_t connected_to(std::uint16_t port)
{
    std::size_t found = 0;
    for (const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) {
        const int descriptor = std::stoi(each.path().filename());
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        pollfd told{descriptor, POLLIN | POLLRDHUP, 0};
        if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) == 0 && // NOLINT: POSIX's way
            peer.sin_family == AF_INET && ntohs(peer.sin_port) == port && ::poll(&told, 1, 0) >= 0 &&
            (told.revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0)
            ++found;
    }
    return found;
}

} // namespace

asio::awaitable<void> until_ends_have_come(const network_gate& gate)
{
    const auto port = pg::connect_options::parse(gate.dsn()).hosts.at(0).port;
    while (connected_to(port) > gate.open())
        co_await moment();
    co_await settle();
}

asio::awaitable<void> until_whole(database& of)
{
    for (;;) {
        const auto now = of.pool_stats();
        if (now.idle == now.maximum && now.waiting == 0 && now.connecting == 0)
            break;
        co_await moment();
    }
    for (;;) {
        const auto ended = co_await end_of(of.execute("SELECT 1"));
        if (ended == "ok")
            break;
        EXPECT_THAT(ended, is_outage());
        co_await moment();
    }
    EXPECT_EQ(co_await of.fetchval<std::int32_t>("SELECT 41 + 1"), 42);
    while (of.pool_stats().idle != of.pool_stats().maximum)
        co_await moment();
    EXPECT_EQ(of.pool_stats().size, of.pool_stats().maximum);
}

database_options quick_options(std::size_t connections)
{
    database_options options;
    options.pool.minimum = connections;
    options.pool.maximum = connections;
    options.pool.exhaustion_threshold = 1;
    options.pool.connect_backoff = 1ms;
    options.pool.connect_backoff_limit = 10ms;
    options.breaker.background_probe = 5ms;
    options.breaker.background_probe_limit = 20ms;
    return options;
}

shared_server_test::shared_server_test(std::size_t connections) : fault_test(connections)
{
    scratch_.run("CREATE TABLE note (number int, words text)");
}

int shared_server_test::notes(int number) const
{
    return std::stoi(scratch_.run("SELECT count(*) FROM note WHERE number = " + std::to_string(number)));
}

own_server_test::own_server_test(std::size_t connections)
    : fault_test(connections), server_(server_options(folder_.path()))
{
    server_.start();
    sql("CREATE TABLE note (number int, words text)");
}

embedded::options own_server_test::server_options(const std::filesystem::path& folder)
{
    embedded::options wanted;
    wanted.folder = folder;
    wanted.max_connections = 150;
    wanted.settings = {{"fsync", "off"}, {"full_page_writes", "off"}, {"shared_buffers", "16MB"}};
    wanted.hba_lines = {"local all few trust", "local all rotating scram-sha-256"};
    return wanted;
}

int own_server_test::notes(int number) const
{
    return std::stoi(sql("SELECT count(*) FROM note WHERE number = " + std::to_string(number)));
}

void own_server_test::stop_immediately()
{
    ::kill(server_.pid(), SIGQUIT);
    server_.stop();
}

asio::awaitable<void> note(database& in, int number)
{
    (void)co_await in.execute("INSERT INTO note VALUES ($1, 'here')", number);
}

} // namespace tradecore::test
