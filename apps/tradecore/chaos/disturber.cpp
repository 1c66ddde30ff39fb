// SPDX-License-Identifier: Apache-2.0
#include "chaos/disturber.hpp"

#include "domain/rng.hpp"
#include "faults/network_gate.hpp"

#include <tradecore/observe/log.hpp>
#include <tradecore/pg/connection.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <exception>
#include <future>
#include <limits>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace tradecore::app::chaos {

namespace asio = boost::asio;
using faults::ending;
using faults::flow;
using faults::network_gate;
using faults::traffic;
using std::chrono::milliseconds;

namespace {

/// What: what waits for its moment gets so long, even when the next is due.
constexpr milliseconds shortest_wait_for_a_moment{500};

constexpr std::uint32_t no_orders_more = std::numeric_limits<std::uint32_t>::max();

constexpr std::string_view database_of(database_name which)
{
    return which == database_name::main ? "tradecore" : "tradecore_vb";
}

constexpr std::size_t index_of(database_name which)
{
    return which == database_name::main ? 0 : 1;
}

/// What: runs what blocks, on the thread that awaits this.
asio::awaitable<void> blocking(std::function<void()> work)
{
    work();
    co_return;
}

asio::awaitable<std::vector<std::int32_t>> sessions_of(pg::connection& on, std::string database)
{
    co_return co_await on.fetch<std::int32_t>(
        "SELECT pid FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend' ORDER BY pid",
        database);
}

} // namespace

struct disturber::core {
    core(embedded::server& its_server, std::vector<step> its_steps)
        : server(its_server), steps(std::move(its_steps)), wake(loop, asio::steady_timer::time_point::max())
    {
        made.planned = steps.size();
    }

    embedded::server& server;
    std::vector<step> steps;
    asio::thread_pool host{1};
    asio::io_context loop{1};
    asio::executor_work_guard<asio::io_context::executor_type> working{loop.get_executor()};
    asio::steady_timer wake; ///< ended by whatever changes below
    std::array<std::optional<network_gate>, 2> gates;
    std::array<std::string, 2> dsns; ///< through them
    std::string admin;               ///< URI of the server itself
    std::uint32_t orders = 0;
    std::uint32_t next_due = 0; ///< so many orders, and it is the next step's turn
    bool fired = false;         ///< what waited for its moment had it
    deeds made;

    std::atomic<bool> stopping = false;
    std::atomic<bool> over = false;
    std::future<void> ended; ///< of the plan
    mutable std::mutex failing;
    std::exception_ptr failure;
    std::thread runner;

    /// What: runs what blocks, on the thread of the server.
    asio::awaitable<void> on_host(std::function<void()> work)
    {
        return asio::co_spawn(host, blocking(std::move(work)), asio::use_awaitable);
    }

    void look_up()
    {
        asio::post(loop, [this] { wake.cancel(); });
    }

    /// What: waits until something changes, or the time has passed.
    asio::awaitable<void> change(std::optional<std::chrono::steady_clock::time_point> until = {})
    {
        boost::system::error_code changed;
        wake.expires_at(until.value_or(asio::steady_timer::time_point::max()));
        co_await wake.async_wait(asio::redirect_error(asio::use_awaitable, changed));
    }

    asio::awaitable<void> rest(milliseconds how_long)
    {
        const auto until = std::chrono::steady_clock::now() + how_long;
        while (!stopping && std::chrono::steady_clock::now() < until)
            co_await change(until);
    }

    /// What: how an act lasts: not into the turn of the next one, for whoever is disturbed may be quick.
    asio::awaitable<void> last(milliseconds how_long)
    {
        const auto until = std::chrono::steady_clock::now() + how_long;
        while (!stopping && orders < next_due && std::chrono::steady_clock::now() < until)
            co_await change(until);
    }

    void note(act what, std::uint64_t count = 1) { made.done[what] += count; }

    asio::awaitable<void> run()
    {
        for (std::size_t index = 0; index < steps.size() && !stopping; ++index) {
            const auto next = steps[index];
            next_due = index + 1 < steps.size() ? steps[index + 1].after_orders : no_orders_more;
            while (!stopping && orders < next.after_orders)
                co_await change();
            co_await rest(next.pause);
            if (stopping)
                break;
            observe::log(
                observe::level::debug, "chaos: " + std::string(to_string(next.what)),
                {{"database", database_of(next.where)}, {"after_orders", next.after_orders}});
            co_await carry_out(next);
            ++made.steps;
        }
    }

    asio::awaitable<void> carry_out(step what)
    {
        auto& gate = *gates.at(index_of(what.where));
        switch (what.what) {
        case act::end_session:
        case act::end_sessions:
            return end_sessions(what);
        case act::restart_fast:
        case act::restart_immediate:
            return restart(what.what);
        case act::lose_commit:
            return cut_at(gate, flow::to_server, "COMMIT", what);
        case act::lose_commit_answer:
            return cut_at(gate, flow::to_client, "COMMIT", what);
        case act::lose_append_answer:
            return cut_at(gate, flow::to_client, "appended", what);
        case act::cut_links:
            return cut_links(gate, what);
        case act::delay:
            return slow_down(gate, what);
        case act::silence:
            return fall_silent(gate, what);
        case act::refuse:
            return refuse(gate, what);
        }
        throw std::logic_error("an act that nobody carries out");
    }

    asio::awaitable<void> end_sessions(step what)
    {
        std::int64_t count = 0;
        try {
            count = co_await end_some(what);
        }
        catch (const pg::error& problem) { // a server that is too busy to let us in is disturbed enough
            observe::log(observe::level::warn, "chaos: no sessions were ended", {{"error", problem.what()}});
        }
        note(what.what, static_cast<std::uint64_t>(count));
    }

    asio::awaitable<std::int64_t> end_some(step what)
    {
        const auto own = co_await pg::connection::connect(loop.get_executor(), pg::connect_options::parse(admin));
        auto sessions = co_await sessions_of(*own, std::string(database_of(what.where)));
        if (what.what == act::end_session && !sessions.empty())
            sessions = {sessions[static_cast<std::size_t>(what.draw % sessions.size())]};
        // Some may have left by themselves.
        co_return co_await own->fetchval<std::int64_t>(
            "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM unnest($1::int[]) AS pid", sessions);
    }

    asio::awaitable<void> restart(act how)
    {
        const auto work = [this, how] {
            if (how == act::restart_immediate)
                ::kill(server.pid(), SIGQUIT); // PostgreSQL's immediate shutdown; stop() then waits for its end
            server.stop();
            server.start();
        };
        co_await on_host(work);
        admin = server.dsn();
        for (auto& gate : gates)
            gate->move_to(admin);
        note(how);
    }

    /// What: cuts the connection on which the text is seen next.
    asio::awaitable<void> cut_at(network_gate& gate, flow direction, std::string text, step what)
    {
        fired = false;
        const auto seen = [this, &gate, direction, text](network_gate::link& on) {
            gate.when(direction, text, {});
            fired = true;
            on.end(ending::reset);
            wake.cancel();
        };
        gate.when(direction, text, seen);
        const auto began = std::chrono::steady_clock::now();
        const auto until = [&] { return began + (orders < next_due ? what.lasts : shortest_wait_for_a_moment); };
        while (!stopping && !fired && std::chrono::steady_clock::now() < until())
            co_await change(until());
        gate.when(direction, text, {});
        note(what.what, fired ? 1 : 0);
    }

    /// What: half of the connections end behind one of the next bytes, of one side or the other.
    asio::awaitable<void> cut_links(network_gate& gate, step what)
    {
        domain::rng random(what.draw);
        const auto cut = [&](network_gate::link& on) {
            if (!random.chance(50))
                return;
            constexpr std::int64_t furthest = 100;
            const auto direction = random.chance(50) ? flow::to_server : flow::to_client;
            const auto how = random.chance(50) ? ending::reset : ending::close;
            const auto after = on.passed(direction) + static_cast<std::uint64_t>(random.between(1, furthest));
            on.set(direction, {.cut_after = after, .cut_by = how});
            note(what.what);
        };
        gate.for_each(cut);
        co_return;
    }

    asio::awaitable<void> slow_down(network_gate& gate, step what)
    {
        constexpr std::uint64_t longest_delay = 20'000;
        gate.set({.pause = std::chrono::microseconds(1 + what.draw % longest_delay)});
        co_await last(what.lasts);
        gate.set({});
        note(what.what);
    }

    asio::awaitable<void> fall_silent(network_gate& gate, step what)
    {
        gate.set({.what = traffic::mode::hold});
        co_await last(what.lasts);
        gate.set({});
        note(what.what);
    }

    asio::awaitable<void> refuse(network_gate& gate, step what)
    {
        gate.refuse();
        gate.end_all(ending::reset);
        co_await last(what.lasts);
        gate.admit();
        note(what.what);
    }

    /// What: the plan, and what makes it impossible.
    asio::awaitable<void> run_guarded()
    {
        std::exception_ptr error;
        try {
            co_await run();
        }
        catch (...) {
            error = std::current_exception();
        }
        const std::lock_guard guard(failing);
        failure = error;
        over = true;
    }
};

disturber::disturber(embedded::server& server, std::vector<step> steps)
    : core_(std::make_unique<core>(server, std::move(steps)))
{}

disturber::~disturber()
{
    auto& self = *core_;
    self.stopping = true;
    self.look_up();
    if (self.ended.valid())
        self.ended.wait();
    self.working.reset();
    self.loop.stop();
    if (self.runner.joinable())
        self.runner.join();
    for (auto& gate : self.gates)
        gate.reset();
    const auto stop = [&self] {
        try {
            self.server.stop();
        }
        catch (const std::exception& problem) {
            observe::log(observe::level::error, problem.what());
        }
    };
    asio::post(self.host, stop);
    self.host.join();
}

void disturber::start()
{
    auto& self = *core_;
    asio::co_spawn(self.host, blocking([&self] { self.server.start(); }), asio::use_future).get();
    self.admin = self.server.dsn();
    for (const auto which : {database_name::main, database_name::vb}) {
        auto& gate = self.gates.at(index_of(which)).emplace(self.loop.get_executor(), self.admin);
        self.dsns.at(index_of(which)) = gate.dsn(self.server.dsn(database_of(which)));
    }
    self.runner = std::thread([&self] { self.loop.run(); });
}

std::string disturber::dsn(database_name of) const
{
    return core_->dsns.at(index_of(of));
}

void disturber::begin()
{
    core_->ended = asio::co_spawn(core_->loop, core_->run_guarded(), asio::use_future);
}

void disturber::ordered() noexcept
{
    asio::post(core_->loop, [&self = *core_] {
        ++self.orders;
        self.wake.cancel();
    });
}

bool disturber::is_over() const noexcept
{
    return core_->over;
}

void disturber::end()
{
    core_->stopping = true;
    core_->look_up();
    if (core_->ended.valid())
        core_->ended.get();
    check();
}

void disturber::check() const
{
    const std::lock_guard guard(core_->failing);
    if (core_->failure)
        std::rethrow_exception(core_->failure);
}

deeds disturber::done() const
{
    return core_->made;
}

} // namespace tradecore::app::chaos
