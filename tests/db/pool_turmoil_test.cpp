// SPDX-License-Identifier: Apache-2.0
#include "db/support/pool_fixture.hpp"

#include <tradecore/db/errors.hpp>
#include <tradecore/observe/capture.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <gtest/gtest.h>

#include <cstdlib>
#include <list>
#include <random>
#include <set>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::fake_server;
using test::settle;
using test::sized;

/// A pool with callers that come, misbehave and are cancelled, on a server that fails, while somebody intervenes; all
/// of it at random.
class turmoil {
public:
    turmoil(asio::any_io_executor here, std::uint32_t seed)
        : here_(here), random_(seed), options_(random_options()),
          pool_(here, "main", options_, server_.make_connector())
    {}

    asio::awaitable<void> run()
    {
        co_await open();
        for (int step = 0; step < 150; ++step) {
            co_await act();
            co_await settle(static_cast<int>(below(4)));
            EXPECT_LE(server_.open_connections.size(), options_.maximum + closing_);
        }
        // Peace: everybody comes to an end, and the pool to its size.
        if (pool_.is_suspended())
            pool_.resume();
        server_.refusal = nullptr;
        server_.connect_errors.clear();
        server_.connects.open();
        peaceful_ = true;
        gate_of_all_.open();
        server_.held("later").open();
        while (!callers_.empty() || pool_.stats().active > 0)
            co_await settle(10);
        EXPECT_EQ(pool_.stats().waiting, 0U);
        pool_.end_pause();
        while (!co_await works()) {
        }
        co_await pool_.close(10s);
        EXPECT_TRUE(server_.open_connections.empty());
        EXPECT_EQ(pool_.stats().size + pool_.stats().connecting, 0U);
    }

private:
    struct caller {
        asio::cancellation_signal cancel;
    };

    std::size_t below(std::size_t limit) { return random_() % limit; }

    pool_options random_options()
    {
        auto options = sized(below(3), 0);
        options.maximum = std::max<std::size_t>(1, options.minimum + below(3));
        options.maximum_connecting = 1 + below(3);
        options.acquire_timeout = std::chrono::milliseconds(1 + below(20));
        options.idle_check_after = std::chrono::milliseconds(below(2) * 1000);
        options.keepalive_time = std::chrono::milliseconds(below(2));
        options.validation_timeout = options.cleanup_timeout = 2ms;
        options.max_lifetime = std::chrono::milliseconds(below(2) * 5);
        options.connect_backoff = 1ms;
        options.connect_backoff_limit = 2ms;
        options.leak_detection = std::chrono::milliseconds(below(2) * 2);
        options.altered_sessions = static_cast<altered_session>(below(3));
        options.hooks.on_acquire = [this](physical_connection&) { return peaceful_ || below(20) != 0; };
        options.hooks.on_release = [this](physical_connection&) { return peaceful_ || below(20) != 0; };
        if (below(2) == 0)
            options.hooks.on_connect = set_role;
        return options;
    }
    static asio::awaitable<void> set_role(physical_connection& made)
    {
        co_await made.run_script({"SET role", nullptr}, {});
    }

    asio::awaitable<void> open()
    {
        for (;;) {
            try {
                co_return co_await pool_.open();
            }
            catch (const pg::error&) {
                // the server refused; once more
            }
            server_.refusal = nullptr;
            server_.connect_errors.clear();
            server_.connects.open();
        }
    }

    asio::awaitable<bool> works()
    {
        try {
            const auto mine = co_await pool_.acquire({});
            co_return mine->is_open();
        }
        catch (const pg::error&) {
            co_return false; // a short time limit
        }
    }

    asio::awaitable<void> act()
    {
        switch (below(16)) {
        case 0:
        case 1:
        case 2:
        case 3:
        case 4:
            start_caller();
            break;
        case 5:
            if (!callers_.empty())
                std::next(callers_.begin(), static_cast<std::ptrdiff_t>(below(callers_.size())))
                    ->cancel.emit(asio::cancellation_type::terminal);
            break;
        case 6:
            (void)pool_.evict([this](const physical_connection&) { return below(2) == 0; });
            break;
        case 7:
            if (pool_.is_suspended())
                pool_.resume();
            else
                pool_.suspend();
            break;
        case 8:
            if (auto* any = any_open())
                any->close();
            break;
        case 9:
            if (auto* any = any_open())
                any->hold_next("later");
            break;
        case 10:
            server_.held("later").open();
            server_.held("later").close();
            break;
        case 11:
            server_.connect_errors.push_back(test::server_error_of(below(2) == 0 ? "53300" : "57P03"));
            break;
        case 12:
            server_.refusal = below(2) == 0 ? test::server_error_of("57P03") : nullptr;
            break;
        case 13:
            if (below(2) == 0)
                server_.connects.open();
            else
                server_.connects.close();
            break;
        case 14:
            if (below(8) == 0) {
                // Those that are closed under their users are theirs until they give them back.
                closing_ = options_.maximum;
                co_await pool_.close(std::chrono::milliseconds(below(3)));
                gate_of_all_.open();
                while (!callers_.empty() || pool_.stats().size > 0)
                    co_await settle(5);
                gate_of_all_.close();
                closing_ = 0;
                server_.connects.open();
                co_await open();
            }
            break;
        default:
            asio::steady_timer timer(here_, std::chrono::milliseconds(below(4)));
            co_await timer.async_wait(asio::use_awaitable);
        }
    }
    fake_server::connection* any_open()
    {
        return server_.open_connections.empty() ? nullptr
                                                : server_.open_connections[below(server_.open_connections.size())];
    }

    void start_caller()
    {
        const auto place = callers_.emplace(callers_.end());
        asio::co_spawn(
            here_, call(below(8)),
            asio::bind_cancellation_slot(
                place->cancel.slot(), [this, place](const std::exception_ptr&) { callers_.erase(place); }));
    }
    asio::awaitable<void> call(std::size_t what)
    {
        auto mine = co_await pool_.acquire(usage::here("caller"));
        struct holds {
            std::set<int>& all;
            int pid;
            holds(std::set<int>& of, int which) : all(of), pid(which)
            {
                EXPECT_TRUE(all.insert(pid).second) << "lent twice: " << pid;
            }
            holds(holds&&) = delete;
            holds& operator=(holds&&) = delete;
            ~holds() { all.erase(pid); }
        };
        const holds held(held_, mine->backend_pid());
        switch (what) {
        case 0:
            co_await mine->run_script({"BEGIN", nullptr}, {});
            break;
        case 1:
            co_await mine->run_script({"SET search_path", nullptr}, {});
            break;
        case 2:
            co_await mine->run_script({"DIE", nullptr}, {});
            break;
        case 3:
            (void)co_await gate_of_all_.wait();
            break;
        case 4:
            mine.discard();
            break;
        default:
            co_await settle(static_cast<int>(what));
        }
        if (mine)
            EXPECT_EQ(mine->backend_pid(), held.pid);
    }

    asio::any_io_executor here_;
    std::minstd_rand random_;
    bool peaceful_ = false;
    fake_server server_;
    pool_options options_;
    pool pool_;
    test::gate gate_of_all_;
    std::list<caller> callers_;
    std::set<int> held_;
    std::size_t closing_ = 0;
};

TEST(pool_turmoil, everybody_comes_to_an_end_and_nothing_is_lost)
{
    const bool thorough = std::getenv("TRADECORE_LONG_TESTS") != nullptr;
    const std::uint32_t last = thorough ? 3'000 : 40;
    for (std::uint32_t seed = 1; seed <= last && !testing::Test::HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const observe::capture log;
        test::run([seed]() -> asio::awaitable<void> {
            turmoil all(co_await asio::this_coro::executor, seed);
            co_await all.run();
        });
    }
}

} // namespace
} // namespace tradecore
