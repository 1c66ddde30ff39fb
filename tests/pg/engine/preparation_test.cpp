// SPDX-License-Identifier: Apache-2.0
#include "../support/conversation.hpp"

#include <tradecore/pg/connection.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <new>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <vector>

namespace {

using namespace tradecore;
using namespace tradecore::test;

constexpr int unknown_type = 99'999;

std::string unknown_prepared()
{
    return backend::parse_complete() + backend::parameters({}) + backend::columns({{"x", unknown_type}}, 0) +
           backend::ready();
}

/// Zeros that take up no room.
class untouched_memory {
public:
    explicit untouched_memory(std::size_t size)
        : size_(size),
          at_(::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) // NOLINT
    {
        if (at_ == MAP_FAILED) // NOLINT
            throw std::bad_alloc();
    }
    untouched_memory(const untouched_memory&) = delete;
    untouched_memory& operator=(const untouched_memory&) = delete;
    untouched_memory(untouched_memory&&) = delete;
    untouched_memory& operator=(untouched_memory&&) = delete;
    ~untouched_memory() { ::munmap(at_, size_); }

    [[nodiscard]] std::string_view text() const noexcept { return {static_cast<const char*>(at_), size_}; }

private:
    std::size_t size_;
    void* at_;
};

std::string_view name_in(const spoken_server::message& parse)
{
    return std::string_view(parse.payload).substr(0, parse.payload.find('\0'));
}

/// @returns what is closed by name in the next preparation.
std::vector<std::string> closed_with_next(conversation& in)
{
    auto next = in.ask("SELECT 'the next one'");
    EXPECT_TRUE(in.server.run_until([&] {
        in.server.end_requests(); // there is one where the machine was slow
        return in.server.heard().ends_with('S');
    }));
    std::vector<std::string> names;
    for (const auto& heard : in.server.take_heard())
        if (heard.type == 'C')
            names.emplace_back(heard.payload.c_str() + 1);
    return names;
}

// --- what is asked about types -------------------------------------------------------------------------------------

TEST(preparation, fails_with_the_look_up_of_types_and_looks_them_up_again)
{
    conversation test;
    for (int attempt = 0; attempt < 2; ++attempt) {
        auto asking = test.ask("SELECT x FROM t");
        ASSERT_TRUE(test.server.run_until([&] { return test.server.heard().ends_with("PDS"); }));
        (void)test.server.take_heard();
        test.server.say(unknown_prepared());
        ASSERT_EQ(test.server.expect("PBES").size(), 4U);
        test.server.say(backend::error("57014", "canceling statement due to statement timeout") + backend::ready());
        EXPECT_NE(test.error_of<pg::query_canceled>(asking).find("look-up of types"), std::string::npos);
    }
}

TEST(preparation, reads_text_where_the_catalogue_is_not_to_be_read)
{
    conversation test;
    auto asking = test.ask("SELECT x FROM t");
    ASSERT_EQ(test.server.expect("PDS").size(), 3U);
    test.server.say(unknown_prepared());
    ASSERT_EQ(test.server.expect("PBES").size(), 4U);
    test.server.say(backend::error("42501", "permission denied for table pg_type") + backend::ready());
    ASSERT_EQ(test.server.expect("BES").size(), 3U);
    test.server.say(
        backend::bind_complete() + backend::row({"words"}) + backend::complete("SELECT 1") + backend::ready());
    EXPECT_EQ(test.outcome(asking).at(0, 0).as<std::string>(), "words");
}

TEST(preparation, fails_with_the_look_up_that_made_a_transaction_fail)
{
    conversation test;
    auto beginning = test.begin(test.db->run_script({"BEGIN", nullptr}));
    ASSERT_EQ(test.server.expect("Q").size(), 1U);
    test.server.say(backend::complete("BEGIN") + backend::ready('T'));
    (void)test.outcome(beginning);
    auto asking = test.ask("SELECT x FROM t");
    ASSERT_EQ(test.server.expect("PDS").size(), 3U);
    test.server.say(
        backend::parse_complete() + backend::parameters({}) + backend::columns({{"x", unknown_type}}, 0) +
        backend::ready('T'));
    ASSERT_EQ(test.server.expect("PBES").size(), 4U);
    test.server.say(backend::error("42501", "permission denied for table pg_type") + backend::ready('E'));
    EXPECT_NE(test.error_of<pg::insufficient_privilege>(asking).find("look-up of types"), std::string::npos);
    test.server.settle();
    EXPECT_EQ(test.server.heard(), "");
}

// --- what is left with the server ----------------------------------------------------------------------------------

TEST(preparation, leaves_its_name_to_be_closed_when_the_look_up_of_types_fails)
{
    conversation test;
    auto asking = test.ask("SELECT x FROM t");
    const auto heard = test.server.expect("PDS");
    ASSERT_EQ(heard.size(), 3U);
    test.server.say(unknown_prepared());
    ASSERT_EQ(test.server.expect("PBES").size(), 4U);
    test.server.say(backend::error("57014", "canceling statement due to statement timeout") + backend::ready());
    EXPECT_NE(test.error_of<pg::query_canceled>(asking), "");
    EXPECT_EQ(closed_with_next(test), std::vector<std::string>{std::string(name_in(heard[0]))});
}

TEST(preparation, leaves_its_name_to_be_closed_when_it_was_given_up_behind_others)
{
    conversation test;
    auto first = test.ask("SELECT 1");
    ASSERT_EQ(test.server.expect("PDS").size(), 3U);
    auto second = test.ask("SELECT 2");
    const auto heard = test.server.expect("PDS");
    ASSERT_EQ(heard.size(), 3U);
    second.cancel();
    EXPECT_TRUE(test.was_aborted(second));
    test.server.say(one_number_prepared());
    EXPECT_EQ(test.server.expect("BES").size(), 3U); // nothing is closed that may not be there
    test.server.say(one_number_prepared() + one_number(1));
    EXPECT_EQ(test.outcome(first).size(), 1U);
    EXPECT_EQ(closed_with_next(test), std::vector<std::string>{std::string(name_in(heard[0]))});
}

TEST(preparation, closes_nothing_that_the_server_refused)
{
    for (const auto* code : {"42601", "42P05"}) {
        conversation test;
        auto asking = test.ask("SELEC 1");
        for (int attempt = 0; attempt < (std::string(code) == "42P05" ? 2 : 1); ++attempt) {
            ASSERT_EQ(test.server.expect("PDS").size(), 3U);
            test.server.say(backend::error(code, "no") + backend::ready());
        }
        EXPECT_NE(test.error_of<pg::server_error>(asking).find(code), std::string::npos);
        EXPECT_EQ(closed_with_next(test), std::vector<std::string>());
    }
}

TEST(preparation, of_a_text_that_is_too_long_closes_nothing_yet)
{
    conversation test;
    auto asking = test.ask("SELECT x FROM t");
    const auto heard = test.server.expect("PDS");
    ASSERT_EQ(heard.size(), 3U);
    test.server.say(unknown_prepared());
    ASSERT_EQ(test.server.expect("PBES").size(), 4U);
    test.server.say(backend::error("57014", "canceling statement due to statement timeout") + backend::ready());
    EXPECT_NE(test.error_of<pg::query_canceled>(asking), "");

    const untouched_memory gigabyte(std::size_t{1} << 30U);
    auto too_long = test.ask(gigabyte.text());
    EXPECT_NE(test.error_of<pg::argument_error>(too_long), "");
    auto script = test.begin(test.db->run_script({"CHECKPOINT", nullptr}));
    ASSERT_EQ(test.server.expect("Q").size(), 1U);
    test.server.say(backend::complete("CHECKPOINT") + backend::ready());
    (void)test.outcome(script);
    EXPECT_EQ(closed_with_next(test), std::vector<std::string>{std::string(name_in(heard[0]))});
}

// --- what is not prepared at all -----------------------------------------------------------------------------------

TEST(preparation, is_not_begun_for_a_copy_through_the_client)
{
    conversation test;
    for (const auto* sql : {"COPY t FROM STDIN", "/* rows */ copy (SELECT 1) TO stdout (FORMAT csv)"}) {
        auto running = test.ask(sql);
        const auto message = test.error_of<pg::argument_error>(running);
        EXPECT_NE(message.find("copy_in"), std::string::npos) << message;
        auto reading = test.begin(test.db->open_cursor({.sql = {sql, nullptr}, .arguments = {}}, {}));
        EXPECT_NE(test.error_of<pg::argument_error>(reading).find("copy_out"), std::string::npos);
        auto repeating = test.begin(test.db->execute_many(runtime_sql(sql), std::vector{1}));
        EXPECT_NE(test.error_of<pg::argument_error>(repeating).find("copy_in"), std::string::npos);
    }
    test.server.settle();
    EXPECT_EQ(test.server.heard(), "");
}

// --- batches -------------------------------------------------------------------------------------------------------

TEST(preparation, of_a_batch_ends_it_when_it_is_cancelled)
{
    for (const auto mode : {pg::batch_mode::each_alone, pg::batch_mode::one_transaction}) {
        conversation test;
        pg::batch todo(mode);
        (void)todo.add<int>("SELECT 1");
        (void)todo.add<int>("SELECT 2");
        auto running = test.begin(test.db->run(std::move(todo)));
        ASSERT_EQ(test.server.expect("PDSPDS").size(), 6U);
        running.cancel();
        ASSERT_TRUE(test.server.run_until([&] { return test.server.requests() == 1; }));
        // The request came too late.
        test.server.say(one_number_prepared() + one_number_prepared());
        test.server.end_requests();
        EXPECT_TRUE(test.was_aborted(running));
        EXPECT_EQ(test.server.heard(), "");
    }
}

} // namespace
