// SPDX-License-Identifier: Apache-2.0
#include "../support/conversation.hpp"
#include "../support/machine_script.hpp"
#include "../support/memory_tls_server.hpp"
#include "pg/engine/call.hpp"
#include "pg/engine/link.hpp"
#include "pg/fsm/lookup.hpp"
#include "pg/fsm/query.hpp"
#include "pg/protocol/frontend.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

namespace {

using namespace tradecore;
using namespace tradecore::test;
using pg::engine::link;
namespace asio = boost::asio;

/// A link whose other end is a socket of the test.
struct linked {
    explicit linked(std::unique_ptr<pg::engine::tls_channel> channel = nullptr)
    {
        asio::local::stream_protocol::socket mine(context);
        asio::local::connect_pair(mine, server);
        mine.non_blocking(true); // as open_socket makes them
        on = std::make_shared<link>(link::socket_type(std::move(mine)), "the test", std::move(channel));
        on->start();
    }

    asio::io_context context{1};
    asio::local::stream_protocol::socket server{context};
    std::shared_ptr<link> on;
};

asio::awaitable<bool> reads_a_new_clock_after_an_answer(std::shared_ptr<link> on)
{
    const auto exchange = pg::engine::make_exchange<pg::fsm::script>();
    pg::protocol::write_query(on->outgoing(), "SELECT 1");
    on->queue(exchange);
    co_await on->wait(exchange);
    const auto before = link::clock::now();
    co_return on->now() >= before;
}

TEST(link, has_no_old_time_for_any_of_those_whose_answers_came_together)
{
    linked test;
    task<bool> first(test.context.get_executor(), reads_a_new_clock_after_an_answer(test.on));
    task<bool> second(test.context.get_executor(), reads_a_new_clock_after_an_answer(test.on));
    test.context.poll();
    const auto answer = backend::complete("SELECT 0") + backend::ready();
    asio::write(test.server, asio::buffer(answer + answer));
    for (auto* each : {&first, &second}) {
        bool fresh = false;
        asio::co_spawn(test.context, each->result(), [&](const std::exception_ptr&, bool given) {
            fresh = given;
            test.context.stop();
        });
        test.context.restart();
        test.context.run_for(std::chrono::seconds(20));
        EXPECT_TRUE(fresh);
    }
}

TEST(link, gives_back_what_a_large_message_needed_under_tls_too)
{
    const auto shown = make_certificate({.common_name = "db.example"});
    memory_tls_server peer(shown);
    auto channel = std::make_unique<pg::engine::tls_channel>(std::make_shared<const pg::engine::tls_context>(
        pg::tls_options{.mode = pg::ssl_mode::require}, pg::host_address{.host = "db.example"}));
    shake_hands(*channel, peer);
    linked test(std::move(channel));
    constexpr std::size_t large = std::size_t{8} << 20U;
    pg::protocol::write_query(test.on->outgoing(), std::string(large, 'x'));
    test.on->send();
    std::size_t taken = 0;
    std::array<char, 65536> piece{};
    std::function<void()> take = [&] {
        test.server.async_read_some(
            asio::buffer(piece), [&](const boost::system::error_code& error, std::size_t count) {
                taken += count;
                if (!error && taken < large)
                    take();
            });
    };
    take();
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (taken < large && test.context.run_one_until(end) > 0) {
    }
    ASSERT_GE(taken, large);
    test.context.poll();
    EXPECT_LT(test.on->outgoing().capacity(), large / 8);
}

TEST(link, leaves_what_a_completion_handler_throws_to_the_event_loop)
{
    for (const bool on_strand : {false, true}) {
        conversation test(conversation::never_in_a_test, on_strand);
        asio::co_spawn(
            test.executor, test.db->run({.sql = {"SELECT 1", nullptr}, .arguments = {}}),
            [](const std::exception_ptr&, const pg::result&) { throw std::logic_error("the handler's own"); });
        ASSERT_EQ(test.server.expect("PDS").size(), 3U);
        test.server.say(one_number_prepared());
        ASSERT_EQ(test.server.expect("BES").size(), 3U);
        auto behind = test.ask("SELECT 1");
        ASSERT_EQ(test.server.expect("BES").size(), 3U);
        test.server.say(one_number(7) + one_number(8));
        EXPECT_THROW(test.server.run_until([] { return false; }), std::logic_error);
        EXPECT_EQ(test.outcome(behind).at(0, 0).as<std::int32_t>(), 8);
        EXPECT_TRUE(test.db->is_open());
    }
}

TEST(link, takes_a_limit_beyond_all_time_for_none)
{
    using std::chrono::milliseconds;
    EXPECT_EQ(pg::engine::deadline_of({.timeout = milliseconds::max()}), pg::engine::exchange::no_deadline);
    EXPECT_EQ(pg::engine::deadline_of({}), pg::engine::exchange::no_deadline);
    conversation test;
    auto asking = test.ask("SELECT 1", milliseconds::max());
    ASSERT_EQ(test.server.expect("PDS").size(), 3U);
    test.server.settle();
    EXPECT_EQ(test.server.requests(), 0U);
    test.server.say(one_number_prepared());
    ASSERT_EQ(test.server.expect("BES").size(), 3U);
    test.server.say(one_number(7));
    EXPECT_EQ(test.outcome(asking).size(), 1U);
}

std::string notice(std::string_view text)
{
    return backend::message(
        'N', "SNOTICE" + std::string(1, '\0') + "C00000" + std::string(1, '\0') + "M" + std::string(text) +
                 std::string(2, '\0'));
}

TEST(link, lets_a_handler_replace_itself_while_it_is_called)
{
    conversation test;
    std::string seen;
    auto* const db = test.db.get();
    // Longer than what a function keeps within itself, so that its memory is freed when it goes.
    db->on_notice([db, &seen, mark = std::string(100, 'x')](const pg::diagnostics& said) {
        db->on_notice([&seen](const pg::diagnostics& later) { seen += "second " + later.message + ";"; });
        db->on_parameter(nullptr);
        seen += "first " + said.message + " " + std::to_string(mark.size()) + ";";
    });
    db->on_parameter([db, &seen, mark = std::string(100, 'x')](std::string_view name, std::string_view) {
        db->on_parameter([&seen](std::string_view, std::string_view value) { seen += std::string(value) + ";"; });
        seen += std::string(name) + " " + std::to_string(mark.size()) + ";";
    });
    test.server.say(backend::status("TimeZone", "UTC") + backend::status("TimeZone", "CET") + notice("a"));
    test.server.say(notice("b") + backend::status("TimeZone", "EST"));
    test.server.settle();
    EXPECT_EQ(seen, "TimeZone 100;CET;first a 100;second b;");
    EXPECT_TRUE(db->is_open());
    EXPECT_EQ(db->parameter("TimeZone"), "EST");
}

TEST(link, ends_when_text_would_no_longer_be_utf8)
{
    conversation test;
    auto asking = test.ask("SELECT 1");
    ASSERT_EQ(test.server.expect("PDS").size(), 3U);
    test.server.say(backend::status("client_encoding", "UTF8") + one_number_prepared());
    ASSERT_EQ(test.server.expect("BES").size(), 3U);
    test.server.say(
        backend::bind_complete() + backend::complete("SET") + backend::status("client_encoding", "LATIN1") +
        backend::ready());
    const auto message = test.error_of<pg::connection_error>(asking);
    EXPECT_NE(message.find("client_encoding is now LATIN1"), std::string::npos) << message;
    EXPECT_FALSE(test.db->is_open());
}

TEST(link, says_that_a_script_cannot_copy_from_the_client)
{
    conversation test;
    auto script = test.begin(test.db->run_script({"COPY t FROM STDIN", nullptr}));
    ASSERT_EQ(test.server.expect("Q").size(), 1U);
    test.server.say(backend::message('G', std::string(1, '\0') + backend::i16(0)));
    ASSERT_EQ(test.server.expect("f").size(), 1U);
    test.server.say(backend::error("57014", "COPY from stdin failed") + backend::ready());
    const auto message = test.error_of<pg::argument_error>(script);
    EXPECT_NE(message.find("copy_in"), std::string::npos) << message;
    EXPECT_TRUE(test.db->is_open());
}

TEST(link, refuses_a_cursor_of_no_rows_before_anything_is_sent)
{
    conversation test;
    auto opening = test.begin(test.db->cursor<int>(pg::cursor_options{.rows = 0}, "SELECT 1"));
    const auto message = test.error_of<pg::argument_error>(opening);
    EXPECT_NE(message.find("at least 1"), std::string::npos) << message;
    EXPECT_EQ(test.server.heard(), "");
}

// --- servers that mean no good -------------------------------------------------------------------------------------

TEST(hostile_server, cannot_report_parameters_without_end)
{
    conversation test;
    auto asking = test.ask("SELECT 1");
    ASSERT_EQ(test.server.expect("PDS").size(), 3U);
    std::string reports;
    for (int i = 0; i < 1000; ++i)
        reports += backend::status("same", std::to_string(i));
    test.server.say(reports);
    test.server.settle();
    EXPECT_EQ(test.db->parameter("same"), "999");
    for (int i = 0; i < 1000; ++i)
        reports += backend::status("p" + std::to_string(i), "x");
    test.server.say(reports);
    EXPECT_NE(test.error_of<pg::protocol_error>(asking).find("parameters"), std::string::npos);
    EXPECT_FALSE(test.db->is_open());
}

TEST(hostile_server, cannot_report_a_parameter_of_any_length)
{
    conversation test;
    auto asking = test.ask("SELECT 1");
    ASSERT_EQ(test.server.expect("PDS").size(), 3U);
    test.server.say(backend::status("long", std::string(60'000, 'x')));
    test.server.settle();
    EXPECT_TRUE(test.db->is_open());
    test.server.say(backend::status("long", std::string(70'000, 'x')));
    EXPECT_NE(test.error_of<pg::protocol_error>(asking).find("parameter"), std::string::npos);
}

TEST(hostile_server, cannot_answer_a_look_up_of_types_without_end)
{
    pg::fsm::lookup machine(std::make_shared<const pg::row_description>(pg::row_description{{.name = "oid"}}), 2);
    const auto begin = backend::parse_complete() + backend::bind_complete();
    EXPECT_EQ(feed(machine, begin + backend::row({"1"}) + backend::row({"2"})).next, pg::fsm::action::read);
    expect_violation(feed(machine, backend::row({"3"})), "more rows");
}

} // namespace
