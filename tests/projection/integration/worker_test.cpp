// SPDX-License-Identifier: Apache-2.0
#include "projection/integration/projection_fixture.hpp"

#include <tradecore/observe/capture.hpp>

#include <random>
#include <stdexcept>

namespace tradecore::projection::test {

namespace {

class worker : public projection_test {};

// Appends and waits for projections, with failures and delays thrown in.
struct storm {
    events::event_store& store;
    engine& chain;
    chain_projector& projector;
    bool on = true;
    std::minstd_rand random{7};

    bool one_in(int n) { return on && std::uniform_int_distribution<>(1, n)(random) == 1; }

    asio::awaitable<void> trouble(database& read, const events::recorded_event&)
    {
        if (one_in(25)) {
            throw std::runtime_error("injected");
        }
        if (one_in(40)) {
            co_await read.execute("SELECT pg_sleep(0.06)");
        }
        if (one_in(60)) {
            co_await read.execute("SELECT 1 / 0");
        }
    }

    asio::awaitable<void> write(int appends)
    {
        for (int i = 0; i < appends; ++i) {
            const auto stream = "s" + std::to_string(std::uniform_int_distribution<>(0, 11)(random));
            std::vector<std::string> types{"Sync"};
            if (one_in(2)) {
                types.emplace_back("Later");
            }
            co_await append(store, stream, std::move(types));
            if (one_in(2)) {
                (void)co_await chain.project_sync(stream);
            }
        }
    }

    // Four writers, then the rest is caught up with and the workers end.
    asio::awaitable<void> run(int appends)
    {
        projector.before = [this](database& read, const events::recorded_event& event) { return trouble(read, event); };
        std::vector<asio::awaitable<void>> writers;
        for (int i = 0; i < 4; ++i) {
            writers.push_back(write(appends));
        }
        co_await when_all(std::move(writers));
        on = false;
        co_await chain.catch_up();
        chain.stop();
    }
};

asio::awaitable<void> run_storm(storm& weather, engine& chain, int appends)
{
    std::vector<asio::awaitable<void>> all;
    all.push_back(chain.run_async());
    all.push_back(chain.run_async());
    all.push_back(chain.run_retry());
    all.push_back(chain.run_retry());
    all.push_back(weather.run(appends));
    co_await when_all(std::move(all));
}

options storm_options()
{
    auto how = quick_options();
    how.sync_budget = milliseconds{50};
    how.max_attempts = 1'000'000;
    how.min_batch = 3;
    how.max_batch = 40;
    return how;
}

TEST_F(worker, counts_each_event_once_and_in_order_through_failures_and_races)
{
    const observe::capture quiet;
    in_world(
        [&](world here) -> asio::awaitable<void> {
            engine chain(here.store, here.read, here.chain, storm_options());
            storm weather{.store = here.store, .chain = chain, .projector = here.chain};
            co_await run_storm(weather, chain, 40);
            const auto stats = chain.stats();
            EXPECT_EQ(wrong_streams(), "0");
            EXPECT_EQ(std::to_string(stats.applied), value("SELECT count(*) FROM es.events"));
            // The test is worth something only when these happened.
            EXPECT_GT(stats.parked, 0U);
            EXPECT_GT(stats.retried, 0U);
            EXPECT_GT(stats.skipped, 0U);
            EXPECT_GT(stats.sync_done, 0U);
            EXPECT_EQ(value("SELECT count(*) FROM proj.stream WHERE state <> 'ok'"), "0");
        },
        6);
}

TEST_F(worker, needs_one_connection_only)
{
    const observe::capture quiet;
    in_world(
        [&](world here) -> asio::awaitable<void> {
            engine chain(here.store, here.read, here.chain, storm_options());
            storm weather{.store = here.store, .chain = chain, .projector = here.chain};
            co_await run_storm(weather, chain, 15);
            EXPECT_EQ(wrong_streams(), "0");
            EXPECT_EQ(std::to_string(chain.stats().applied), value("SELECT count(*) FROM es.events"));
        },
        1);
}

TEST_F(worker, takes_its_events_from_a_store_in_another_database)
{
    const observe::capture quiet;
    const tradecore::test::scratch_database apart("store");
    apart.run(shipped_sql("event_store.sql"));
    in_world([&](world here) -> asio::awaitable<void> {
        database home(co_await asio::this_coro::executor, options_of(apart, 2));
        co_await home.open();
        events::postgres_store store(home);
        engine chain(store, here.read, here.chain, storm_options());
        storm weather{.store = store, .chain = chain, .projector = here.chain};
        co_await run_storm(weather, chain, 15);
        const auto versions = apart.run(
            "SELECT 'VALUES ' || string_agg(format('(%L, %s::bigint)', stream_id, version), ', ') FROM es.streams");
        EXPECT_EQ(wrong_streams(scratch(), versions), "0");
        co_await home.close();
    });
}

TEST_F(worker, parks_the_stream_of_a_poisonous_event_and_gives_it_up_in_the_end)
{
    const observe::capture quiet;
    in_world([&](world here) -> asio::awaitable<void> {
        auto how = quick_options();
        how.max_attempts = 3;
        engine chain(here.store, here.read, here.chain, how);
        int tries = 0;
        here.chain.before = [&](database& read, const events::recorded_event& event) -> asio::awaitable<void> {
            if (event.type == "Poison") {
                ++tries;
                co_await read.execute("SELECT 1 / 0");
            }
        };
        co_await append(here.store, "good", {"Sync", "Sync"});
        const auto bad = co_await append(here.store, "bad", {"Sync", "Poison", "Sync"});
        co_await append(here.store, "good", {"Later"});
        co_await append(here.store, "better", {"Sync"});
        co_await chain.catch_up();

        EXPECT_EQ(value("SELECT string_agg(stream || events, ' ' ORDER BY stream) FROM chain"), "bad1 better1 good3");
        EXPECT_EQ(stream_row("bad"), "dead 1 3");
        EXPECT_EQ(
            value("SELECT concat_ws(' ', stream, failed_version, event_id, event_type, attempts, error LIKE '%22012%', "
                  "resolution) FROM proj.dead_letter"),
            "bad 2 " + boost::uuids::to_string(bad[1].id) + " Poison 3 t");
        EXPECT_EQ(chain.stats().dead, 1U);
        EXPECT_EQ(chain.stats().parked, 1U);
        const auto outcome = co_await chain.project_sync("bad");
        EXPECT_EQ(outcome.cause, pending_cause::dead);

        // Another round of tries ends the same way; passing over the event lets the stream go on.
        const auto tries_before = tries;
        EXPECT_TRUE(co_await chain.retry_dead("bad"));
        co_await chain.catch_up();
        EXPECT_GT(tries, tries_before);
        EXPECT_EQ(stream_row("bad"), "dead 1 3");
        EXPECT_TRUE(co_await chain.skip_dead("bad"));
        EXPECT_FALSE(co_await chain.skip_dead("bad"));
        co_await chain.catch_up();
        EXPECT_EQ(stream_row("bad"), "ok 3 0");
        EXPECT_EQ(value("SELECT events FROM chain WHERE stream = 'bad'"), "2");
        EXPECT_EQ(value("SELECT string_agg(resolution, ' ' ORDER BY id) FROM proj.dead_letter"), "retried skipped");
    });
}

TEST_F(worker, a_later_event_does_not_overtake_one_that_waits_for_its_retry)
{
    const observe::capture quiet;
    in_world([&](world here) -> asio::awaitable<void> {
        auto how = quick_options();
        how.retry = {.base = std::chrono::hours{1}, .cap = std::chrono::hours{1}};
        engine chain(here.store, here.read, here.chain, how);
        bool broken = true;
        here.chain.before = [&](database&, const events::recorded_event& event) -> asio::awaitable<void> {
            if (event.stream == "a" && event.version == 2 && broken) {
                throw std::runtime_error("not yet");
            }
            if (event.stream == "end") {
                chain.stop();
            }
            co_return;
        };
        co_await append(here.store, "a", {"Sync", "Sync"});
        co_await append(here.store, "end", {"Later"});
        co_await chain.run_async();
        EXPECT_EQ(stream_row("a"), "parked 1 1");
        co_await append(here.store, "a", {"Sync"});
        co_await append(here.store, "b", {"Sync"});
        co_await append(here.store, "end", {"Later"});
        co_await chain.run_async();
        EXPECT_EQ(value("SELECT string_agg(stream || events, ' ' ORDER BY stream) FROM chain"), "a1 b1 end2");
        EXPECT_EQ(chain.stats().held_back, 1U);
        // A resting retry worker keeps its hands off what is not due.
        EXPECT_EQ(value("SELECT count(*) FROM proj.take_due('chain', 1, 'main', 1000)"), "0");

        broken = false;
        scratch().run("UPDATE proj.stream SET next_retry_at = now() WHERE state = 'parked'");
        co_await chain.catch_up();
        EXPECT_EQ(wrong_streams(), "0");
    });
}

TEST_F(worker, parks_a_stream_only_as_it_was_seen)
{
    const auto park = [&](const std::string& stream, int seen) {
        return value(
            "SELECT proj.park_stream('chain', 1, 'main', '" + stream + "', " + std::to_string(seen) +
            ", NULL, 60000, 'late', 1000)");
    };
    scratch().run("INSERT INTO proj.stream (projection, version, source, stream, applied_version, state) "
                  "VALUES ('chain', 1, 'main', 'ok', 3, 'ok'), ('chain', 1, 'main', 'dead', 3, 'dead')");
    EXPECT_EQ(park("ok", 2), "f"); // somebody else has brought it forward
    EXPECT_EQ(park("dead", 3), "f");
    EXPECT_EQ(stream_row("dead"), "dead 3 0");
    EXPECT_EQ(park("ok", 3), "t");
    EXPECT_EQ(stream_row("ok"), "parked 3 1");
    EXPECT_EQ(park("ok", 3), "f");
    EXPECT_EQ(park("new", 0), "t");
}

TEST_F(worker, waits_out_an_outage_and_parks_nothing)
{
    const observe::capture quiet;
    in_world([&](world here) -> asio::awaitable<void> {
        engine chain(here.store, here.read, here.chain, quick_options());
        int outages = 3;
        here.chain.before = [&](database& read, const events::recorded_event&) -> asio::awaitable<void> {
            if (outages > 0) {
                --outages;
                co_await read.execute("SELECT pg_terminate_backend(pg_backend_pid())");
            }
        };
        co_await append(here.store, "a", {"Sync", "Later"});
        co_await chain.catch_up();
        EXPECT_EQ(wrong_streams(), "0");
        EXPECT_EQ(chain.stats().outages, 3U);
        EXPECT_EQ(chain.stats().parked, 0U);
        EXPECT_EQ(quiet.messages(observe::level::warn).size(), 1U);
    });
}

// A store whose connection is lost at the first question for its head.
class interrupted_store final : public events::event_store {
public:
    explicit interrupted_store(events::event_store& store) : store_(store) {}

    asio::awaitable<events::append_result> append(events::append_request request) override
    {
        return store_.append(std::move(request));
    }
    asio::awaitable<std::vector<events::recorded_event>>
    read_stream(std::string stream, std::int64_t after_version, std::size_t limit) override
    {
        return store_.read_stream(std::move(stream), after_version, limit);
    }
    std::unique_ptr<events::log_reader> open_log(std::int64_t after_position, events::type_filter wanted) override
    {
        return store_.open_log(after_position, std::move(wanted));
    }
    asio::awaitable<std::vector<uuid>> recorded_commands(std::vector<uuid> commands) override
    {
        return store_.recorded_commands(std::move(commands));
    }
    asio::awaitable<void> wait(std::int64_t after_position, milliseconds at_most) override
    {
        return store_.wait(after_position, at_most);
    }
    asio::awaitable<std::int64_t> head() override
    {
        if (++asked == 1) {
            throw pg::connection_error(pg::client_errc::connection_closed, "the connection is gone");
        }
        return store_.head();
    }
    asio::awaitable<events::store_info> info() override { return store_.info(); }

    int asked = 0;

private:
    events::event_store& store_;
};

TEST_F(worker, catches_up_through_an_outage_that_was_there_first)
{
    const observe::capture quiet;
    in_world([&](world here) -> asio::awaitable<void> {
        co_await append(here.store, "a", {"Sync", "Later"});
        interrupted_store store(here.store);
        engine chain(store, here.read, here.chain, quick_options());
        co_await chain.catch_up();
        EXPECT_GT(store.asked, 1);
        EXPECT_EQ(stream_row("a"), "ok 2 0");
        EXPECT_EQ(chain.stats().outages, 1U);
    });
}

TEST_F(worker, finds_the_stream_whose_deferred_constraint_fails_at_commit)
{
    const observe::capture quiet;
    in_world([&](world here) -> asio::awaitable<void> {
        scratch().run(
            "CREATE TABLE owner (id text PRIMARY KEY); CREATE TABLE thing (id text, "
            "owner text REFERENCES owner DEFERRABLE INITIALLY DEFERRED); INSERT INTO owner VALUES ('a'), ('c')");
        auto how = quick_options();
        how.max_attempts = 2;
        engine chain(here.store, here.read, here.chain, how);
        here.chain.before = [&](database& read, const events::recorded_event& event) -> asio::awaitable<void> {
            co_await read.execute("INSERT INTO thing VALUES ($1, $1)", event.stream);
        };
        for (const auto* stream : {"a", "b", "c"}) {
            co_await append(here.store, stream, {"Sync"});
        }
        co_await chain.catch_up();
        EXPECT_EQ(value("SELECT string_agg(stream, ' ' ORDER BY stream) FROM chain"), "a c");
        EXPECT_EQ(stream_row("b"), "dead 0 2");
    });
}

TEST_F(worker, rolls_back_when_somebody_else_has_moved_the_checkpoint)
{
    in_world([&](world here) -> asio::awaitable<void> {
        engine chain(here.store, here.read, here.chain, quick_options());
        here.chain.before = [&](database&, const events::recorded_event&) -> asio::awaitable<void> {
            co_await here.other.execute("UPDATE proj.checkpoint SET position = (SELECT max(position) FROM es.events)");
        };
        co_await append(here.store, "a", {"Sync", "Later"});
        co_await chain.catch_up();
        // The other one's word counts: nothing of the batch is left.
        EXPECT_EQ(value("SELECT count(*) FROM chain"), "0");
        EXPECT_EQ(value("SELECT count(*) FROM proj.stream"), "0");
        EXPECT_EQ(chain.stats().lost_races, 1U);
        EXPECT_EQ(chain.stats().applied, 0U);
    });
}

TEST_F(worker, stops_when_hardly_the_events_are_to_blame)
{
    const observe::capture quiet;
    in_world([&](world here) -> asio::awaitable<void> {
        auto how = quick_options();
        how.max_parked_per_batch = 2;
        engine chain(here.store, here.read, here.chain, how);
        scratch().run("ALTER TABLE chain RENAME hash TO hush");
        for (const auto* stream : {"a", "b", "c"}) {
            co_await append(here.store, stream, {"Sync"});
        }
        const auto error = co_await thrown_by<too_many_failures>(chain.run_async());
        EXPECT_TRUE(error.has_value());
        EXPECT_EQ(value("SELECT count(*) FROM proj.stream"), "0");
        EXPECT_EQ(value("SELECT position FROM proj.checkpoint"), "0");
        EXPECT_EQ(quiet.messages(observe::level::error).size(), 1U);
    });
}

TEST_F(worker, refuses_the_checkpoint_of_another_store)
{
    const observe::capture quiet;
    in_world([&](world here) -> asio::awaitable<void> {
        co_await append(here.store, "a", {"Sync"});
        {
            engine chain(here.store, here.read, here.chain);
            co_await chain.catch_up();
        }
        scratch().run("UPDATE es.store SET epoch = gen_random_uuid()");
        engine chain(here.store, here.read, here.chain);
        EXPECT_TRUE((co_await thrown_by<store_changed>(chain.prepare())).has_value());
        EXPECT_TRUE((co_await thrown_by<store_changed>(chain.project_sync("a"))).has_value());
        EXPECT_TRUE((co_await thrown_by<store_changed>(chain.run_async())).has_value());
        EXPECT_TRUE((co_await thrown_by<store_changed>(chain.run_retry())).has_value());
        EXPECT_TRUE((co_await thrown_by<store_changed>(chain.catch_up())).has_value());
        EXPECT_EQ(value("SELECT events FROM chain"), "1");
    });
}

TEST_F(worker, refuses_a_store_that_ends_before_the_checkpoint)
{
    in_world([&](world here) -> asio::awaitable<void> {
        co_await append(here.store, "a", {"Sync", "Sync"});
        {
            engine chain(here.store, here.read, here.chain);
            co_await chain.catch_up();
        }
        scratch().run("DELETE FROM es.events WHERE version = 2");
        engine chain(here.store, here.read, here.chain);
        EXPECT_TRUE((co_await thrown_by<store_changed>(chain.prepare())).has_value());
    });
}

TEST_F(worker, passes_over_what_it_does_not_handle_without_a_cursor)
{
    in_world([&](world here) -> asio::awaitable<void> {
        engine chain(here.store, here.read, here.chain);
        co_await append(here.store, "a", {"Ignored", "Ignored"});
        co_await chain.catch_up();
        EXPECT_EQ(value("SELECT count(*) FROM proj.stream"), "0");
        EXPECT_EQ(value("SELECT position = (SELECT max(position) FROM es.events) FROM proj.checkpoint"), "t");
    });
}

TEST_F(worker, ends_when_it_is_stopped_while_it_rests)
{
    in_world([&](world here) -> asio::awaitable<void> {
        auto how = quick_options();
        how.idle_poll = std::chrono::hours{1};
        engine chain(here.store, here.read, here.chain, how);
        const auto stopper = [&]() -> asio::awaitable<void> {
            co_await append(here.store, "a", {"Sync"});
            co_await chain.catch_up();
            chain.stop();
        };
        std::vector<asio::awaitable<void>> all;
        all.push_back(chain.run_async());
        all.push_back(chain.run_retry());
        all.push_back(stopper());
        co_await when_all(std::move(all));
        EXPECT_EQ(wrong_streams(), "0");
    });
}

TEST_F(worker, a_stopped_engine_can_run_again)
{
    in_world([&](world here) -> asio::awaitable<void> {
        engine chain(here.store, here.read, here.chain, quick_options());
        chain.stop();
        here.chain.before = [&](database&, const events::recorded_event&) -> asio::awaitable<void> {
            chain.stop();
            co_return;
        };
        co_await append(here.store, "a", {"Sync"});
        co_await chain.run_async();
        EXPECT_EQ(wrong_streams(), "0");
    });
}

} // namespace

} // namespace tradecore::projection::test
