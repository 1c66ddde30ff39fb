// SPDX-License-Identifier: Apache-2.0
#include "db/support/recording_tracer.hpp"
#include "db/support/retry_world.hpp"

#include <tradecore/db/trace.hpp>
#include <tradecore/observe/capture.hpp>
#include <tradecore/pg/trace_comment.hpp>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace tradecore {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::error_of;
using test::recording_tracer;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// Keeps the texts that it is given; the scripted server behind it sees them without comments, or not at all.
class text_recorder final : public physical_connection {
public:
    text_recorder(std::unique_ptr<physical_connection> inner, std::vector<std::string>& texts)
        : inner_(std::move(inner)), texts_(&texts)
    {}

    asio::awaitable<pg::result> run(pg::statement what) override
    {
        for (const auto& each : what.before)
            texts_->push_back(each);
        return inner_->run({.sql = record(what.sql), .arguments = {}, .options = what.options, .before = what.before});
    }
    asio::awaitable<std::vector<pg::result>> run_script(sql_text text, pg::call_options options) override
    {
        auto stripped = record(text);
        if (refuses_at.empty())
            return inner_->run_script(std::move(stripped), options);
        return refuse(refuses_at);
    }
    asio::awaitable<pg::batch_answers> run_batch(pg::batch what) override
    {
        for (const auto& each : what.entries())
            record(each.sql);
        return physical_connection::run_batch(std::move(what));
    }
    asio::awaitable<std::uint64_t> run_many(pg::repeated_statement what) override
    {
        record(what.sql);
        return physical_connection::run_many(std::move(what));
    }
    asio::awaitable<std::shared_ptr<pg::detail::cursor_core>>
    open_cursor(pg::statement what, pg::cursor_options how) override
    {
        record(what.sql);
        return physical_connection::open_cursor(std::move(what), how);
    }
    asio::awaitable<std::shared_ptr<pg::detail::copy_in_core>> open_copy_in(pg::detail::copy_request what) override
    {
        record(what.copy);
        return physical_connection::open_copy_in(std::move(what));
    }
    asio::awaitable<std::shared_ptr<pg::detail::copy_out_core>> open_copy_out(pg::detail::copy_request what) override
    {
        record(what.copy);
        return physical_connection::open_copy_out(std::move(what));
    }
    void close() noexcept override { inner_->close(); }
    [[nodiscard]] bool is_open() const noexcept override { return inner_->is_open(); }
    [[nodiscard]] std::size_t in_flight() const noexcept override { return inner_->in_flight(); }
    [[nodiscard]] pg::transaction_status status() const noexcept override { return inner_->status(); }
    [[nodiscard]] std::int32_t backend_pid() const noexcept override { return inner_->backend_pid(); }
    [[nodiscard]] std::string_view parameter(std::string_view name) const noexcept override
    {
        return inner_->parameter(name);
    }

    /// The position of the syntax error that scripts are answered with; none when empty.
    static inline std::string refuses_at{};

private:
    sql_text record(const sql_text& sql)
    {
        texts_->emplace_back(sql.text);
        return {pg::without_trace_comment(sql.text), sql.owner, sql.where};
    }
    static asio::awaitable<std::vector<pg::result>> refuse(std::string position)
    {
        pg::diagnostics said;
        said.severity = "ERROR";
        said.code = pg::sqlstate::parse("42601").value();
        said.message = "syntax error at end of input";
        said.position = std::move(position);
        pg::throw_server_error(std::move(said), "SCRIPT");
        co_return std::vector<pg::result>(); // makes it a coroutine
    }

    std::unique_ptr<physical_connection> inner_;
    std::vector<std::string>* texts_;
};

asio::awaitable<std::unique_ptr<physical_connection>> record(connector inner, std::vector<std::string>& texts)
{
    co_return std::make_unique<text_recorder>(co_await inner(), texts);
}

/// A database that writes traces into its statements, on a scripted server.
struct commented_world {
    test::fake_server server;
    std::shared_ptr<recording_tracer> tracer = std::make_shared<recording_tracer>();
    database_options options = test::without_breaker();
    std::vector<std::string> texts;

    commented_world()
    {
        options.tracer = tracer;
        options.propagate_trace = trace_propagation::sql_comment;
        options.pool.minimum = 1;
    }
    template <class F>
    void run(F body)
    {
        test::run([&]() -> asio::awaitable<void> {
            const auto connect = [this, inner = server.make_connector()] { return record(inner, texts); };
            database main(co_await asio::this_coro::executor, options, connect);
            co_await main.open();
            texts.clear();
            co_await body(main);
            co_await main.close(10s);
        });
        for (const auto& each : tracer->spans())
            EXPECT_EQ(each.ends, 1) << each.name;
    }
    /// @returns `sql` with the trace of the span of that name.
    [[nodiscard]] std::string in(const std::string& span, const std::string& sql) const
    {
        return sql + " /*traceparent='" + to_traceparent(tracer->named(span).context) + "'*/";
    }
};

TEST(trace_comment, has_the_span_of_each_statement)
{
    commented_world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        (void)co_await main.execute("SELECT 1 FROM a");
        (void)co_await main.execute("UPDATE b SET c = $1", 7);
        (void)co_await main.execute("UPDATE d SET e = 1 -- all");
        (void)co_await main.execute("SELECT 'f");
    });
    EXPECT_THAT(
        w.texts, ElementsAre(
                     w.in("SELECT a", "SELECT 1 FROM a"), w.in("UPDATE b", "UPDATE b SET c = $1"),
                     "UPDATE d SET e = 1 -- all\n" + w.in("UPDATE d", "").substr(1), "SELECT 'f"));
}

TEST(trace_comment, is_in_transactions_that_of_the_statement_or_of_the_transaction)
{
    commented_world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        const auto inner = [&]() -> asio::awaitable<void> { (void)co_await main.execute("SELECT 1 FROM b"); };
        const auto body = [&]() -> asio::awaitable<void> {
            (void)co_await main.execute("SELECT 1 FROM a");
            co_await main.transaction(inner, {.name = "part"});
        };
        co_await main.transaction(body, {.name = "pay"});
    });
    EXPECT_THAT(
        w.texts,
        ElementsAre(
            "BEGIN", w.in("SELECT a", "SELECT 1 FROM a"), w.in("part", "SAVEPOINT tradecore_1"),
            w.in("SELECT b", "SELECT 1 FROM b"), w.in("part", "RELEASE SAVEPOINT tradecore_1"), w.in("pay", "COMMIT")));
}

TEST(trace_comment, is_on_everything_that_has_a_text)
{
    commented_world w;
    w.run([&](database& main) -> asio::awaitable<void> {
        pg::batch batch;
        batch.add_execute("INSERT INTO a VALUES ($1)", 1);
        batch.add_execute("INSERT INTO a VALUES ($1)", 2);
        batch.add_execute("SELECT 1 FROM b");
        (void)co_await error_of(main.with({.name = "batch"}).run(std::move(batch)));
        const std::vector<std::tuple<int>> rows{{3}};
        (void)co_await error_of(main.with({.name = "many"}).execute_many("INSERT INTO c VALUES ($1)", rows));
        (void)co_await error_of(main.with({.name = "cursor"}).cursor<int>("SELECT 1 FROM d"));
        (void)co_await error_of(main.copy_in_stream("COPY e FROM STDIN", {.call = {.name = "in"}}));
        (void)co_await error_of(main.copy_out_stream("COPY f TO STDOUT", {.call = {.name = "out"}}));
        (void)co_await main.run_script("SELECT 1; SELECT 2", {.name = "script"});
    });
    EXPECT_THAT(
        w.texts, ElementsAre(
                     w.in("batch", "INSERT INTO a VALUES ($1)"), w.in("batch", "INSERT INTO a VALUES ($1)"),
                     w.in("batch", "SELECT 1 FROM b"), w.in("many", "INSERT INTO c VALUES ($1)"),
                     w.in("cursor", "SELECT 1 FROM d"), w.in("in", "COPY e FROM STDIN"),
                     w.in("out", "COPY f TO STDOUT"), w.in("script", "SELECT 1; SELECT 2")));
}

asio::awaitable<void> do_some(database& main)
{
    (void)co_await main.execute("SELECT 1 FROM a");
    co_await main.transaction([&]() -> asio::awaitable<void> { (void)co_await main.execute("SELECT 1 FROM b"); });
    (void)co_await main.run_script("SELECT 2");
}
const std::vector<std::string> some_texts{"SELECT 1 FROM a", "BEGIN", "SELECT 1 FROM b", "COMMIT", "SELECT 2"};

TEST(trace_comment, is_only_of_what_is_recorded_and_sampled)
{
    commented_world unsampled;
    unsampled.tracer->flags = 0;
    unsampled.run(do_some);
    EXPECT_EQ(unsampled.texts, some_texts);

    commented_world unrecorded;
    unrecorded.tracer->samples = [](const observe::span_start&) { return false; };
    unrecorded.run([](database& main) -> asio::awaitable<void> {
        const auto trace = observe::parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        co_await in_trace(trace.value(), [&] { return do_some(main); });
    });
    EXPECT_EQ(unrecorded.texts, some_texts);

    commented_world untraced;
    untraced.options.tracer = nullptr;
    untraced.run(do_some);
    EXPECT_EQ(untraced.texts, some_texts);
}

TEST(trace_comment, is_not_there_unless_it_is_wanted)
{
    for (const auto how : {trace_propagation::none, trace_propagation::application_name}) {
        commented_world w;
        w.options.propagate_trace = how;
        w.run(do_some);
        for (const auto& each : w.texts)
            EXPECT_THAT(each, Not(HasSubstr("/*")));
    }
}

TEST(trace_comment, is_not_seen_by_those_who_see_the_statement)
{
    const observe::capture log;
    commented_world w;
    w.options.statement_loop = 3;
    w.run([&](database& main) -> asio::awaitable<void> {
        const auto body = [&]() -> asio::awaitable<void> {
            for (int i = 0; i < 5; ++i)
                (void)co_await main.execute("UPDATE a SET b = $1", i);
        };
        co_await main.transaction(body);
        std::string counted;
        for (const auto& each : main.statistics().statements)
            counted += fmt::format("{} x {}, ", each.calls, each.sql);
        EXPECT_EQ(counted, "5 x UPDATE a SET b = $1, ");
        const auto fails = [&]() -> asio::awaitable<void> { (void)co_await main.execute("FAIL 23505"); };
        EXPECT_THAT(test::what_of(co_await error_of(fails())), Not(HasSubstr("traceparent")));
    });
    EXPECT_THAT(log.messages(observe::level::debug), testing::Contains(HasSubstr("STATEMENT LOOP")));
    for (const auto& each : log.entries()) {
        EXPECT_THAT(each.message, Not(HasSubstr("traceparent")));
        for (const auto& [key, value] : each.fields)
            EXPECT_THAT(value, Not(HasSubstr("traceparent"))) << key;
    }
    for (const auto& each : w.tracer->spans()) {
        for (const auto& [key, value] : each.with)
            EXPECT_THAT(value, Not(HasSubstr("traceparent"))) << key;
    }
}

TEST(trace_comment, does_not_move_the_place_of_an_error)
{
    // Of 12 characters, one of which has two bytes.
    for (const auto& [sent, told] : std::vector<std::pair<std::string, std::string>>{
             {"1", "1"}, {"12", "12"}, {"13", "13"}, {"14", "13"}, {"86", "13"}, {"none", "none"}}) {
        text_recorder::refuses_at = sent;
        commented_world w;
        std::exception_ptr error;
        w.run([&](database& main) -> asio::awaitable<void> {
            error = co_await error_of(main.run_script("SELECT 'é' +"));
        });
        try {
            std::rethrow_exception(error);
        }
        catch (const pg::syntax_error& e) {
            EXPECT_EQ(e.diagnostics().position, told);
        }
    }
    text_recorder::refuses_at.clear();
}

} // namespace
} // namespace tradecore
