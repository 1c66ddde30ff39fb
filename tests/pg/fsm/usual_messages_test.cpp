// SPDX-License-Identifier: Apache-2.0
#include "../support/backend.hpp"
#include "pg/fsm/query.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace tradecore;
using namespace tradecore::test;
using pg::fsm::action;

std::shared_ptr<const pg::row_description> one_int4()
{
    return std::make_shared<const pg::row_description>(1, pg::column{.name = "n", .type = 23});
}

/// What a server may say while a statement runs, in no order, and malformed too.
std::vector<std::string> any_messages()
{
    const std::vector<std::string> usual{
        backend::bind_complete(), backend::row({backend::i32(7)}), backend::complete("SELECT 1")};
    const std::vector<std::string> others{
        backend::ready(),
        backend::parse_complete(),
        backend::no_data(),
        backend::columns({{"m", 23}}),
        backend::error("23503", "deferred constraint"),
        backend::row({}),
        backend::message('D', "\0"),
        backend::message('C', "no end"),
        backend::complete(std::string(pg::command_tag::longest + 1, 'x')),
        backend::message('I', ""),
        backend::message('3', "")};
    const auto one =
        rc::gen::weightedOneOf<std::string>({{4, rc::gen::elementOf(usual)}, {1, rc::gen::elementOf(others)}});
    return *rc::gen::container<std::vector<std::string>>(one);
}

pg::protocol::message parsed(std::string_view bytes)
{
    return {static_cast<pg::protocol::backend>(bytes.front()), bytes.substr(5)};
}

RC_GTEST_PROP(usual_messages, are_taken_as_all_others_are, ())
{
    const pg::fsm::execute::plan plan{
        .columns = *rc::gen::arbitrary<bool>() ? one_int4() : nullptr,
        .commands_before = *rc::gen::inRange<std::size_t>(0, 2),
        .unnamed = *rc::gen::arbitrary<bool>()};
    pg::fsm::execute fast{pg::fsm::execute::plan(plan)};
    pg::fsm::execute thorough{pg::fsm::execute::plan(plan)};
    const bool dropped = *rc::gen::arbitrary<bool>();
    if (dropped) {
        fast.drop();
        thorough.drop();
    }
    for (const auto& bytes : any_messages()) {
        const auto next = parsed(bytes);
        const auto wanted = thorough.on_message(next);
        if (fast.on_usual_message(next)) {
            RC_ASSERT(wanted.next == action::read);
        }
        else {
            RC_ASSERT(fast.on_message(next).next == wanted.next);
        }
        RC_ASSERT(fast.was_bound() == thorough.was_bound());
        RC_ASSERT(fast.answer().size() == thorough.answer().size());
        RC_ASSERT(fast.answer().tag().text() == thorough.answer().tag().text());
        if (wanted.next == action::done || wanted.next == action::violation)
            break;
    }
}

} // namespace
