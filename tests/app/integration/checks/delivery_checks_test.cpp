// SPDX-License-Identifier: Apache-2.0
#include "checks/digest.hpp"
#include "two_systems.hpp"

#include <gmock/gmock.h>

#include <stdexcept>

namespace tradecore::app::testing {
namespace {

using checks::check_result;
using readmodel::system;
using ::testing::AllOf;
using ::testing::HasSubstr;

class delivery_checks : public ::testing::Test {
protected:
    delivery_checks() : main(finished_run::get().systems_.main.name()), vb(finished_run::get().systems_.vb.name()) {}

    template <class Body>
    void run(Body body) const
    {
        with_systems(main.dsn(), vb.dsn(), std::move(body));
    }

    check_result redelivered() const
    {
        check_result out;
        run([&](systems& here) -> asio::awaitable<void> {
            const auto projectors = readmodel::make_main_projectors();
            out = co_await checks::check_redelivery(here.main, here.main_store, system::main, projectors, "main");
        });
        return out;
    }

    check_result rebuilt(readmodel::projector_list projectors = readmodel::make_main_projectors()) const
    {
        check_result out;
        run([&](systems& here) -> asio::awaitable<void> {
            out =
                co_await checks::check_rebuild(here.main, here.main_store, system::main, projectors, here.main_options);
        });
        return out;
    }

    // What a rebuild must not leave behind, whatever its outcome.
    void expect_no_rebuild_left() const
    {
        EXPECT_EQ(main.run("SELECT count(*) FROM pg_namespace WHERE nspname = 'rebuild'"), "0");
        EXPECT_EQ(main.run("SELECT count(*) FROM proj.stream WHERE source = 'rebuild'"), "0");
        EXPECT_EQ(main.run("SELECT count(*) FROM proj.checkpoint WHERE source = 'rebuild'"), "0");
        EXPECT_EQ(main.run("SELECT count(*) FROM proj.dead_letter WHERE source = 'rebuild'"), "0");
    }

    copied_database main;
    copied_database vb;
};

/// Users, but each batch is counted again at its end.
class counts_twice final : public projection::projector {
public:
    [[nodiscard]] std::string_view name() const noexcept override { return inner_->name(); }
    [[nodiscard]] int version() const noexcept override { return 1; }
    [[nodiscard]] std::optional<projection::mode> mode_of(std::string_view type) const override
    {
        return inner_->mode_of(type);
    }
    [[nodiscard]] asio::awaitable<void> apply(database& read, std::span<const events::recorded_event> batch) override
    {
        co_await inner_->apply(read, batch);
        co_await inner_->apply(read, batch);
    }

private:
    std::unique_ptr<projection::projector> inner_ = readmodel::make_users_projector();
};

class always_fails final : public projection::projector {
public:
    [[nodiscard]] std::string_view name() const noexcept override { return "users"; }
    [[nodiscard]] int version() const noexcept override { return 1; }
    [[nodiscard]] std::optional<projection::mode> mode_of(std::string_view type) const override
    {
        if (type == "UserCreated")
            return projection::mode::async;
        return std::nullopt;
    }
    [[nodiscard]] asio::awaitable<void> apply(database&, std::span<const events::recorded_event>) override
    {
        throw std::runtime_error("no users today");
        co_return;
    }
};

TEST_F(delivery_checks, a_healthy_run_passes_every_check)
{
    // The run has something of everything, so that no check passes for want of events.
    EXPECT_EQ(main.run("SELECT count(DISTINCT type) FROM es.events"), "14");
    EXPECT_EQ(vb.run("SELECT count(DISTINCT type) FROM es.events"), "6");
    EXPECT_EQ(main.run("SELECT count(DISTINCT data->>'side') FROM es.events WHERE type = 'FillSettled'"), "2");
    run([&](systems& here) -> asio::awaitable<void> {
        const auto before = co_await checks::digest(here.main, here.vb);
        const auto results = co_await checks::run_checks(here.context());
        EXPECT_EQ(results.size(), 22U);
        for (const auto& one : results) {
            EXPECT_TRUE(one.ok) << one.name << ": " << one.detail;
            EXPECT_FALSE(one.detail.empty()) << one.name;
        }
        const auto after = co_await checks::digest(here.main, here.vb);
        EXPECT_EQ(before, after);
    });
    expect_no_rebuild_left();
}

TEST_F(delivery_checks, a_check_that_throws_has_failed)
{
    main.run("ALTER TABLE accounts RENAME COLUMN cash_free TO cash");
    run([&](systems& here) -> asio::awaitable<void> {
        const auto results = co_await checks::run_checks(here.context());
        EXPECT_EQ(results.size(), 22U);
        for (const auto& one : results)
            if (one.name == "money main" || one.name == "read model accounts") {
                EXPECT_FALSE(one.ok) << one.name;
                EXPECT_THAT(one.detail, HasSubstr("cash"));
            }
            else if (one.name.ends_with(" vb") || one.name.starts_with("read model vb")) {
                EXPECT_TRUE(one.ok) << one.name << ": " << one.detail;
            }
    });
}

TEST_F(delivery_checks, redelivery_finds_cursors_that_were_lost)
{
    const auto healthy = redelivered();
    EXPECT_TRUE(healthy.ok) << healthy.detail;
    EXPECT_THAT(healthy.detail, HasSubstr("deliveries changed nothing"));

    main.run("DELETE FROM proj.stream WHERE projection = 'users' AND stream LIKE 'order-%'");
    const auto result = redelivered();
    EXPECT_EQ(result.name, "redelivery main");
    EXPECT_FALSE(result.ok);
    EXPECT_THAT(result.detail, AllOf(HasSubstr("users applied 82 events"), HasSubstr("changed: users")));
}

TEST_F(delivery_checks, redelivery_finds_events_that_were_left_out)
{
    main.run("UPDATE proj.stream SET applied_version = applied_version - 1 WHERE projection = 'audit' AND stream LIKE "
             "'user-%'; DELETE FROM audit_log WHERE type = 'UserCreated'");
    const auto result = redelivered();
    EXPECT_FALSE(result.ok);
    EXPECT_THAT(result.detail, AllOf(HasSubstr("audit applied 2 events"), HasSubstr("changed: audit_log")));
}

TEST_F(delivery_checks, redelivery_finds_parked_streams)
{
    main.run("UPDATE proj.stream SET state = 'dead', applied_version = applied_version - 1 WHERE projection = 'orders' "
             "AND stream = (SELECT min(stream) FROM "
             "proj.stream WHERE projection = 'orders')");
    const auto result = redelivered();
    EXPECT_FALSE(result.ok);
    EXPECT_THAT(result.detail, HasSubstr("orders applied 0 events, 1 waited"));
}

TEST_F(delivery_checks, rebuild_finds_a_row_that_events_do_not_make)
{
    const auto healthy = rebuilt();
    EXPECT_TRUE(healthy.ok) << healthy.detail;
    expect_no_rebuild_left();

    main.run("UPDATE users SET total_orders = total_orders + 1; DELETE FROM positions");
    const auto cursors = main.run("SELECT md5(string_agg(s::text, '' ORDER BY s::text)) FROM proj.stream s");
    const auto result = rebuilt();
    EXPECT_EQ(result.name, "rebuild main");
    EXPECT_FALSE(result.ok);
    EXPECT_EQ(
        result.detail, "users has 2 rows, rebuilt it has 2 with other content; positions has 0 rows, rebuilt it has 2");
    EXPECT_EQ(main.run("SELECT md5(string_agg(s::text, '' ORDER BY s::text)) FROM proj.stream s"), cursors);
    expect_no_rebuild_left();
}

TEST_F(delivery_checks, rebuild_finds_a_projector_that_counts_twice)
{
    auto projectors = readmodel::make_main_projectors();
    projectors.front() = std::make_unique<counts_twice>();
    const auto result = rebuilt(std::move(projectors));
    EXPECT_FALSE(result.ok);
    EXPECT_EQ(result.detail, "users has 2 rows, rebuilt it has 2 with other content");
}

TEST_F(delivery_checks, rebuild_cleans_up_after_a_projector_that_fails)
{
    readmodel::projector_list projectors;
    projectors.push_back(std::make_unique<always_fails>());
    EXPECT_THROW(rebuilt(std::move(projectors)), std::runtime_error);
    expect_no_rebuild_left();
}

} // namespace
} // namespace tradecore::app::testing
