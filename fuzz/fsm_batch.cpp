// SPDX-License-Identifier: Apache-2.0
// Batches and repeated statements, with any sequence of messages.
#include "harness/machine.hpp"
#include "harness/messages.hpp"
#include "harness/require.hpp"
#include "pg/fsm/batch.hpp"

#include <vector>

namespace {

using namespace tradecore;
using fuzz::require;
using pg::fsm::action;

void batch(fuzz::byte_source& input)
{
    const auto about = input.u8();
    std::vector<pg::fsm::batch::entry> entries;
    for (std::size_t i = 0; i < 1U + (about & 3U); ++i) {
        const auto kind = input.u8();
        const auto columns = std::make_shared<const pg::row_description>(1, pg::column{.name = "n", .type = 23});
        entries.emplace_back((kind & 1U) != 0 ? columns : nullptr);
        entries.back().parses = (kind & 2U) != 0;
    }
    const auto how = (about & 4U) != 0 ? pg::fsm::batch::syncs::one : pg::fsm::batch::syncs::each;
    const auto commands = static_cast<std::size_t>(about >> 3U) % 3;
    pg::fsm::batch machine(std::move(entries), how, commands);
    const auto plan = input.some();
    const auto seen = fuzz::feed(machine, input, plan, [&](std::uint8_t what) {
        if (what == 1)
            machine.drop();
    });
    bool failed = machine.error().has_value();
    for (auto& entry : machine.entries()) {
        if (seen.last == action::done && how == pg::fsm::batch::syncs::each && !failed)
            require(entry.complete || entry.error, "at the end each entry has its answer or its error");
        failed |= entry.error.has_value();
        require(entry.returns_rows || entry.answer.empty(), "rows are only of what returns rows");
    }
}

void repeat(fuzz::byte_source& input)
{
    const auto about = input.u8();
    const auto plan = input.some();
    pg::fsm::repeat machine(about & 3U, (about & 4U) != 0);
    bool ended = false;
    std::string end;
    const auto seen = fuzz::feed(machine, input, plan, [&](std::uint8_t what) {
        if (ended)
            return;
        switch (what % 4) {
        case 0:
            machine.sent();
            break;
        case 1:
            machine.write_end(end);
            require(fuzz::types_of_client_messages(end) == "S", "Sync");
            ended = true;
            break;
        case 2:
            require(fuzz::types_of_client_messages(machine.cancel()) == "ES", "an error, and Sync");
            ended = true;
            break;
        default:
            break;
        }
    });
    require(machine.completed() <= machine.executions_sent(), "no more answers than questions");
    require(seen.last != action::done || ended, "no end before Sync");
    require(
        seen.last != action::done || machine.error() || machine.completed() == machine.executions_sent(),
        "at the end each execution has its answer");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    fuzz::byte_source input(data, size);
    if (input.flag())
        batch(input);
    else
        repeat(input);
    return 0;
}
