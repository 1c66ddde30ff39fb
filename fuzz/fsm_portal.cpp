// SPDX-License-Identifier: Apache-2.0
// Slices of a cursor and its end, with any sequence of messages.
#include "harness/machine.hpp"
#include "harness/require.hpp"
#include "pg/fsm/portal.hpp"

namespace {

using namespace tradecore;
using fuzz::require;
using pg::fsm::action;

constexpr std::uint8_t dropping = 0xdd;

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    fuzz::byte_source input(data, size);
    const auto opening = input.u8();
    const auto plan = input.some();
    const auto columns =
        std::make_shared<const pg::row_description>(1 + input.below(3), pg::column{.name = "n", .type = 23});
    if (opening == 0xff) {
        pg::fsm::close_portal machine;
        fuzz::feed(machine, input);
        return 0;
    }
    pg::fsm::portal_slice machine(
        (opening & 8U) != 0 ? nullptr : columns, {.commands = opening & 3U, .parses = (opening & 4U) != 0});
    bool dropped = false;
    std::size_t rows = 0;
    const auto seen = fuzz::feed(machine, input, plan, [&](std::uint8_t what) {
        if (what == dropping && !dropped) {
            machine.drop();
            dropped = true;
            rows = machine.answer().size();
        }
    });
    require(!dropped || machine.answer().size() == rows, "what is dropped is not kept");
    require(seen.last != action::done || machine.error() || seen.messages >= 3, "no end before the answer");
    for (const auto row : machine.answer())
        for (std::size_t i = 0; i < row.size(); ++i)
            require(row[i].bytes().size() <= size + 64, "a field is inside of its row");
    return 0;
}
