// SPDX-License-Identifier: Apache-2.0
#include "faults/network_gate.hpp"

#include "faults/server_address.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <stdexcept>
#include <sys/socket.h>
#include <utility>
#include <vector>

namespace tradecore::faults {

namespace asio = boost::asio;

namespace {

using socket_type = asio::generic::stream_protocol::socket;
using end_point = asio::generic::stream_protocol::endpoint;
using boost::system::error_code;

constexpr std::size_t most_held = 1U << 20U;
constexpr auto no_error = asio::as_tuple(asio::use_awaitable);

void check(const error_code& failed, const char* what)
{
    if (failed)
        throw boost::system::system_error(failed, what);
}

/// A wait that ends when something has happened: a timer that never expires and is cancelled.
class signal {
public:
    explicit signal(const asio::any_io_executor& executor) : timer_(executor, asio::steady_timer::time_point::max()) {}
    void raise() { timer_.cancel(); }
    asio::awaitable<void> wait() { (void)co_await timer_.async_wait(no_error); }

private:
    asio::steady_timer timer_;
};

std::size_t index_of(flow direction)
{
    return direction == flow::to_server ? 0 : 1;
}

} // namespace

/// The bytes that go one way on one link.
struct network_gate::pipe {
    explicit pipe(const asio::any_io_executor& executor) : changed(executor), pause(executor) {}

    void tell()
    {
        changed.raise();
        pause.cancel();
    }

    traffic rule;
    std::string waiting;
    std::string tail; // what passed last, shorter than the text that is looked for
    std::uint64_t passed = 0;
    bool acted = false; // on the text that ends with the first byte of `waiting`
    bool at_end = false;
    signal changed;
    asio::steady_timer pause; // ended by another rule
};

struct network_gate::both_ends {
    both_ends(core& its_gate, const asio::any_io_executor& executor, std::size_t its_number)
        : gate(its_gate), number(its_number), sockets{socket_type(executor), socket_type(executor)},
          pipes{pipe(executor), pipe(executor)}
    {}

    core& gate; // kept by all that run on the link
    std::size_t number;
    std::array<socket_type, 2> sockets; // the client's, the server's: a pipe reads at its index and writes at the other
    std::array<pipe, 2> pipes;
    int ended_flows = 0;
    bool over = false;
};

struct network_gate::core : std::enable_shared_from_this<core> {
    struct watch {
        std::string text;
        std::function<void(link&)> act;
    };
    using link_state = std::shared_ptr<both_ends>;

    core(asio::any_io_executor on, const std::string& server_uri)
        : executor(std::move(on)), uri(server_uri), server(uri), own(uri), happened(executor), listener(executor)
    {
        own.port = "5432";
        if (own.is_local())
            own.host = folder.path();
        else
            own.port = "0";
    }

    asio::any_io_executor executor;
    std::string uri;
    server_address server;
    server_address own;
    private_folder folder;
    signal happened;
    asio::basic_socket_acceptor<asio::generic::stream_protocol> listener;
    bool stopped = false;
    std::vector<link_state> links;
    std::array<traffic, 2> rules;
    std::array<watch, 2> watches;
    std::function<void(link&)> greet;
    std::array<std::uint64_t, 2> passed{};
    std::size_t accepted = 0;

    /// Takes the address; a port stays ours while nobody may connect, so that nobody else gets it.
    void bind()
    {
        error_code failed;
        asio::basic_socket_acceptor<asio::generic::stream_protocol> bound(executor);
        const auto where = own.where();
        bound.open(where.protocol(), failed);
        check(failed, "socket");
        if (own.is_local())
            std::filesystem::remove(own.host + "/.s.PGSQL." + own.port);
        else
            bound.set_option(asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>(true), failed);
        check(failed, "SO_REUSEPORT");
        bound.bind(where, failed);
        check(failed, "bind");
        if (!own.is_local()) {
            asio::ip::tcp::endpoint given;
            const auto at = bound.local_endpoint();
            std::memcpy(given.data(), at.data(), at.size());
            own.port = std::to_string(given.port());
        }
        listener = std::move(bound);
    }

    void listen()
    {
        error_code failed;
        listener.listen(asio::socket_base::max_listen_connections, failed);
        check(failed, "listen");
        asio::co_spawn(executor, accept(shared_from_this()), asio::detached);
    }

    static asio::awaitable<void> accept(std::shared_ptr<core> self)
    {
        for (;;) {
            auto made = std::make_shared<both_ends>(*self, self->executor, self->accepted + 1);
            const auto [failed] = co_await self->listener.async_accept(made->sockets[0], no_error);
            if (failed || self->stopped)
                co_return;
            made->pipes[0].rule = self->rules[0];
            made->pipes[1].rule = self->rules[1];
            ++self->accepted;
            self->links.push_back(made);
            if (self->greet) {
                link shown(*made);
                self->greet(shown);
            }
            self->happened.raise();
            asio::co_spawn(self->executor, connect(self, std::move(made)), asio::detached);
        }
    }

    static asio::awaitable<void> connect(std::shared_ptr<core> self, link_state on)
    {
        const auto where = self->server.where();
        const auto [failed] = co_await on->sockets[1].async_connect(where, no_error);
        if (failed) {
            self->end(*on, ending::reset);
            co_return;
        }
        for (auto& socket : on->sockets) {
            error_code ignored; // Unix sockets have no such option
            socket.set_option(asio::ip::tcp::no_delay(true), ignored);
        }
        for (const auto direction : {flow::to_server, flow::to_client}) {
            asio::co_spawn(self->executor, read(self, on, direction), asio::detached);
            asio::co_spawn(self->executor, write(self, on, direction), asio::detached);
        }
    }

    static asio::awaitable<void> read(std::shared_ptr<core> self, link_state on, flow direction)
    {
        auto& from = on->sockets.at(index_of(direction));
        auto& into = on->pipes.at(index_of(direction));
        std::vector<char> bytes(16'384);
        while (!on->over) {
            if (into.waiting.size() >= most_held) {
                co_await into.changed.wait();
                continue;
            }
            const auto [failed, count] = co_await from.async_read_some(asio::buffer(bytes), no_error);
            into.waiting.append(bytes.data(), count);
            into.at_end = failed.failed();
            into.changed.raise();
            self->happened.raise();
            if (failed)
                break;
        }
    }

    static asio::awaitable<void> write(std::shared_ptr<core> self, link_state on, flow direction)
    {
        auto& to = on->sockets.at(1 - index_of(direction));
        auto& from = on->pipes.at(index_of(direction));
        bool is_gone = false; // nobody takes it any more, and another attempt might wait for ever
        while (!on->over) {
            if (from.rule.cut_after && from.passed >= *from.rule.cut_after) {
                self->end(*on, from.rule.cut_by);
                co_return;
            }
            if (from.rule.what == traffic::mode::hold || (from.waiting.empty() && !from.at_end)) {
                co_await from.changed.wait();
                continue;
            }
            if (from.waiting.empty())
                break;
            if (self->act_at_text(*on, direction))
                continue; // the rule may be another one
            const auto piece = self->take(*on, direction);
            if (from.rule.what == traffic::mode::pass && !is_gone) {
                const auto [failed, sent] = co_await asio::async_write(to, asio::buffer(piece), no_error);
                is_gone = failed.failed();
            }
            self->count(*on, direction, piece.size());
            if (on->over)
                co_return;
            if (from.rule.pause.count() > 0) {
                from.pause.expires_after(from.rule.pause);
                (void)co_await from.pause.async_wait(no_error);
            }
            else if (from.rule.piece > 0) {
                co_await asio::post(self->executor, asio::use_awaitable);
            }
        }
        if (on->over)
            co_return;
        // An end that is dropped is one that nobody hears of.
        while (!on->over && from.rule.what != traffic::mode::pass)
            co_await from.changed.wait();
        error_code ignored;
        to.shutdown(asio::socket_base::shutdown_send, ignored);
        if (++on->ended_flows == 2)
            self->end(*on, ending::close);
    }

    /// @returns where in what waits the text that is looked for next has its last byte, not before `first` nor behind
    /// `end`; else `end`.
    std::size_t next_text(const both_ends& on, flow direction, std::size_t first, std::size_t end) const
    {
        const auto& wanted = watches.at(index_of(direction));
        const auto& from = on.pipes.at(index_of(direction));
        if (!wanted.act)
            return end;
        const auto seen = from.tail + from.waiting.substr(0, end);
        for (auto at = seen.find(wanted.text); at != std::string::npos; at = seen.find(wanted.text, at + 1)) {
            const auto last = at + wanted.text.size() - 1;
            if (last >= from.tail.size() + first)
                return last - from.tail.size();
        }
        return end;
    }

    /// Calls the action of a text whose last byte is the first that waits, once.
    bool act_at_text(both_ends& on, flow direction)
    {
        auto& from = on.pipes.at(index_of(direction));
        if (from.acted || next_text(on, direction, 0, 1) != 0)
            return false;
        from.acted = true;
        const auto act = watches.at(index_of(direction)).act; // may replace itself
        link shown(on);
        act(shown);
        return true;
    }

    /// @returns the next bytes that go together.
    std::string take(both_ends& on, flow direction) const
    {
        const auto& wanted = watches.at(index_of(direction));
        auto& from = on.pipes.at(index_of(direction));
        std::uint64_t most = from.waiting.size();
        if (from.rule.piece > 0)
            most = std::min<std::uint64_t>(most, from.rule.piece);
        if (from.rule.cut_after)
            most = std::min(most, *from.rule.cut_after - from.passed);
        const auto count = next_text(on, direction, 1, static_cast<std::size_t>(most));
        auto piece = from.waiting.substr(0, count);
        from.waiting.erase(0, count);
        from.acted = false;
        if (wanted.act) {
            from.tail += piece;
            if (from.tail.size() >= wanted.text.size())
                from.tail.erase(0, from.tail.size() - (wanted.text.size() - 1));
        }
        if (from.rule.corrupt_at && *from.rule.corrupt_at >= from.passed &&
            *from.rule.corrupt_at < from.passed + count) {
            auto& wrong = piece[static_cast<std::size_t>(*from.rule.corrupt_at - from.passed)];
            wrong = static_cast<char>(~static_cast<unsigned char>(wrong));
        }
        return piece;
    }

    void count(both_ends& on, flow direction, std::size_t bytes)
    {
        on.pipes.at(index_of(direction)).passed += bytes;
        passed.at(index_of(direction)) += bytes;
        on.pipes.at(index_of(direction)).changed.raise(); // there may be room again
        happened.raise();
    }

    void end(both_ends& on, ending how)
    {
        if (std::exchange(on.over, true))
            return;
        for (auto& socket : on.sockets) {
            error_code ignored; // it may never have been connected
            if (how == ending::reset)
                socket.set_option(asio::socket_base::linger(true, 0), ignored);
            else
                socket.shutdown(asio::socket_base::shutdown_send, ignored);
            socket.close(ignored);
        }
        for (auto& one : on.pipes)
            one.tell();
        std::erase_if(links, [&](const link_state& one) { return one.get() == &on; });
        happened.raise();
    }

    void end_all(ending how)
    {
        while (!links.empty()) {
            const auto last = links.back(); // whoever is in it goes on until it looks up
            end(*last, how);
        }
    }

    void refuse()
    {
        if (!own.is_local())
            return bind();
        error_code ignored;
        listener.close(ignored); // its name in the folder stays, as after a crash
    }

    void admit()
    {
        if (own.is_local())
            bind();
        listen();
    }

    void stop()
    {
        stopped = true;
        error_code ignored;
        listener.close(ignored);
        end_all(ending::reset);
        greet = nullptr;
        watches = {};
        happened.raise();
    }
};

std::size_t network_gate::link::number() const noexcept
{
    return of_->number;
}

void network_gate::link::set(flow direction, const traffic& rule)
{
    auto& its = of_->pipes.at(index_of(direction));
    its.rule = rule;
    its.tell();
}

void network_gate::link::end(ending how)
{
    of_->gate.end(*of_, how);
}

void network_gate::link::set(const traffic& rule)
{
    set(flow::to_server, rule);
    set(flow::to_client, rule);
}

std::uint64_t network_gate::link::passed(flow direction) const noexcept
{
    return of_->pipes[index_of(direction)].passed;
}

std::size_t network_gate::link::held(flow direction) const noexcept
{
    return of_->pipes[index_of(direction)].waiting.size();
}

network_gate::network_gate(asio::any_io_executor executor, const std::string& server)
    : core_(std::make_shared<core>(std::move(executor), server))
{
    core_->bind();
    core_->listen();
}

network_gate::~network_gate()
{
    core_->stop();
}

std::string network_gate::dsn() const
{
    return dsn(core_->uri);
}

std::string network_gate::dsn(const std::string& server) const
{
    std::string user;
    std::string database;
    std::string rest;
    for (const auto& [keyword, value] : parts_of(server)) {
        if (keyword == "user")
            user.insert(0, percent_encoded(value));
        else if (keyword == "password")
            user.append(":").append(percent_encoded(value));
        else if (keyword == "dbname")
            database = percent_encoded(value);
        else if (keyword != "host" && keyword != "port")
            rest += fmt::format("&{}={}", keyword, percent_encoded(value));
    }
    return fmt::format(
        "postgresql://{}@/{}?host={}&port={}{}", user, database, percent_encoded(core_->own.host), core_->own.port,
        rest);
}

void network_gate::set(flow direction, const traffic& rule)
{
    core_->rules.at(index_of(direction)) = rule;
    for_each([&](link& one) { one.set(direction, rule); });
}

void network_gate::set(const traffic& rule)
{
    set(flow::to_server, rule);
    set(flow::to_client, rule);
}

void network_gate::end_all(ending how)
{
    core_->end_all(how);
}

void network_gate::refuse()
{
    core_->refuse();
}

void network_gate::admit()
{
    core_->admit();
}

void network_gate::move_to(const std::string& server)
{
    core_->uri = server;
    core_->server = server_address(server);
}

void network_gate::on_link(std::function<void(link&)> act)
{
    core_->greet = std::move(act);
}

void network_gate::when(flow direction, std::string text, std::function<void(link&)> act)
{
    if (act && text.empty())
        throw std::invalid_argument{"a text to be met in a flow must not be empty"};
    core_->watches.at(index_of(direction)) = {std::move(text), std::move(act)};
    for (const auto& one : core_->links) {
        auto& watched = one->pipes.at(index_of(direction));
        watched.tail.clear();
        watched.acted = false;
    }
}

std::size_t network_gate::accepted() const noexcept
{
    return core_->accepted;
}

std::size_t network_gate::open() const noexcept
{
    return core_->links.size();
}

std::uint64_t network_gate::passed(flow direction) const noexcept
{
    return core_->passed[index_of(direction)];
}

std::size_t network_gate::held(flow direction) const noexcept
{
    std::size_t all = 0;
    for (const auto& one : core_->links)
        all += one->pipes[index_of(direction)].waiting.size();
    return all;
}

void network_gate::for_each(const std::function<void(link&)>& act)
{
    const auto all = core_->links; // an end takes one out
    for (const auto& one : all) {
        link shown(*one);
        act(shown);
    }
}

asio::awaitable<void> network_gate::until(std::function<bool()> condition)
{
    const auto kept = core_;
    while (!condition())
        co_await kept->happened.wait();
}

} // namespace tradecore::faults
