// SPDX-License-Identifier: Apache-2.0
#include "../support/backend.hpp"
#include "../support/machine_script.hpp"
#include "pg/fsm/batch.hpp"
#include "pg/fsm/copy_in.hpp"
#include "pg/fsm/copy_out.hpp"
#include "pg/fsm/portal.hpp"
#include "pg/fsm/query.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace tradecore;
using namespace tradecore::test;

constexpr std::int32_t null = -1;

std::string id_row(std::optional<std::uint64_t> id)
{
    std::string payload = backend::i16(1);
    if (!id)
        return backend::message('D', payload + backend::i32(null));
    payload += backend::i32(8) + backend::i32(static_cast<std::int32_t>(*id >> 32U)) +
               backend::i32(static_cast<std::int32_t>(*id & 0xffffffffU));
    return backend::message('D', payload);
}

/// The answer to the question. @param prepares whether it is prepared on this occasion.
std::string answer(std::optional<std::uint64_t> id, bool prepares = false)
{
    return (prepares ? backend::message('3', {}) + backend::parse_complete() : std::string()) +
           backend::bind_complete() + id_row(id) + backend::complete("SELECT 1");
}

const std::string run = backend::bind_complete() + backend::complete("INSERT 0 1");

pg::fsm::transaction_id wanted()
{
    return {.wanted = true, .prepared = false, .value = {}};
}

TEST(id_question, is_answered_behind_a_statement)
{
    auto id = wanted();
    pg::fsm::execute machine(nullptr, 0);
    machine.question().asked(id, true);
    expect_done(feed(machine, run + answer(0x1'0000'0002U, true) + backend::ready('T')));
    EXPECT_EQ(id.value, 0x1'0000'0002U);
    EXPECT_TRUE(id.prepared);
    EXPECT_FALSE(id.is_missing());
    EXPECT_EQ(machine.answer().tag().text(), "INSERT 0 1");
}

TEST(id_question, is_asked_again_when_there_is_none)
{
    auto id = wanted();
    pg::fsm::execute machine(nullptr, 0);
    machine.question().asked(id, false);
    expect_done(feed(machine, run + answer({}) + backend::ready('T')));
    EXPECT_EQ(id.value, 0U);
    EXPECT_TRUE(id.is_missing());
}

TEST(id_question, does_not_hang_on_an_exchange_that_is_used_again)
{
    auto id = wanted();
    pg::fsm::execute machine(nullptr, 0);
    machine.question().asked(id, false);
    expect_done(feed(machine, backend::error("23505", "no") + backend::ready('E')));
    EXPECT_FALSE(id.value);
    machine.rest();
    machine.restart({});
    expect_done(feed(machine, run + backend::ready('T')));
}

TEST(id_question, must_be_answered_as_it_was_asked)
{
    const std::vector<std::pair<std::string, std::string>> bad{
        {backend::ready('T'), "before the answer"},
        {backend::bind_complete() + backend::ready('T'), "before the answer"},
        {backend::parse_complete(), "transaction's id"},
        {backend::bind_complete() + backend::complete("SELECT 0"), "transaction's id"},
        {backend::bind_complete() + backend::message('D', backend::i16(0)), "transaction's id"},
        {backend::bind_complete() + backend::message('D', backend::i16(2) + backend::i32(null) + backend::i32(null)),
         "transaction's id"},
        {backend::bind_complete() + backend::row({backend::i32(7)}), "transaction's id"},
        {backend::bind_complete() + id_row(7) + id_row(7), "transaction's id"},
        {answer(7) + id_row(7), "unexpected"},
    };
    for (std::size_t i = 0; i < bad.size(); ++i) {
        SCOPED_TRACE(i);
        auto id = wanted();
        pg::fsm::execute machine(nullptr, 0);
        machine.question().asked(id, false);
        expect_violation(feed(machine, run + bad[i].first), bad[i].second);
    }
}

TEST(id_question, is_answered_behind_a_batch_with_one_sync)
{
    auto id = wanted();
    std::vector<pg::fsm::batch::entry> entries;
    entries.emplace_back(nullptr);
    entries.emplace_back(nullptr);
    pg::fsm::batch machine(std::move(entries), pg::fsm::batch::syncs::one, 0);
    machine.question().asked(id, false);
    expect_done(feed(machine, run + run + answer(5) + backend::ready('T')));
    EXPECT_EQ(id.value, 5U);
}

TEST(id_question, is_answered_behind_the_last_of_a_batch_with_many_syncs)
{
    for (const bool last_fails : {false, true}) {
        auto id = wanted();
        std::vector<pg::fsm::batch::entry> entries;
        entries.emplace_back(nullptr);
        entries.emplace_back(nullptr);
        pg::fsm::batch machine(std::move(entries), pg::fsm::batch::syncs::each, 0);
        machine.question().asked(id, false);
        auto said = run + backend::ready('T');
        said += last_fails ? backend::error("23505", "no") : run + answer(5);
        said += backend::ready('T');
        expect_done(feed(machine, said));
        EXPECT_EQ(id.value, last_fails ? std::nullopt : std::optional<std::uint64_t>(5));
    }
    auto id = wanted();
    std::vector<pg::fsm::batch::entry> entries;
    entries.emplace_back(nullptr);
    entries.emplace_back(nullptr);
    pg::fsm::batch machine(std::move(entries), pg::fsm::batch::syncs::each, 0);
    machine.question().asked(id, false);
    expect_violation(feed(machine, run + answer(5)), "behind a batch");
}

TEST(id_question, is_answered_behind_many_rows)
{
    auto id = wanted();
    pg::fsm::repeat machine(0);
    machine.sent();
    machine.sent();
    std::string out;
    machine.question().asked(id, true);
    machine.write_end(out);
    expect_done(feed(machine, run + run + answer(6, true) + backend::ready('T')));
    EXPECT_EQ(id.value, 6U);
    EXPECT_EQ(machine.completed(), 2U);
}

TEST(id_question, is_answered_behind_a_slice_of_a_cursor)
{
    auto id = wanted();
    pg::fsm::portal_slice machine(std::make_shared<const pg::row_description>(1, pg::column{.name = "n", .type = 23}));
    machine.question().asked(id, false);
    expect_done(
        feed(machine, backend::row({backend::i32(1)}) + backend::message('s', {}) + answer(7) + backend::ready('T')));
    EXPECT_EQ(id.value, 7U);
    EXPECT_TRUE(machine.suspended());
}

TEST(id_question, is_answered_behind_copies)
{
    const auto begun = backend::parse_complete() + backend::bind_complete();
    const std::string binary = std::string(1, '\1') + backend::i16(0);
    auto id = wanted();
    pg::fsm::copy_in in;
    EXPECT_EQ(feed(in, begun + backend::message('G', binary)).next, pg::fsm::action::progress);
    in.question().asked(id, false);
    in.end_sent();
    expect_done(feed(in, backend::complete("COPY 1") + answer(8) + backend::ready('T')));
    EXPECT_EQ(id.value, 8U);
    EXPECT_EQ(in.tag().text(), "COPY 1");

    auto other = wanted();
    pg::fsm::copy_out out;
    out.question().asked(other, false);
    expect_done(feed(
        out, begun + backend::message('H', binary) + backend::message('d', "x") + backend::message('c', {}) +
                 backend::complete("COPY 1") + answer(9) + backend::ready('T')));
    EXPECT_EQ(other.value, 9U);
    EXPECT_EQ(out.take_data(), "x");
}

} // namespace
