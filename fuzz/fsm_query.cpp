// SPDX-License-Identifier: Apache-2.0
// The machines that prepare and run statements and scripts, with any sequence of messages.
#include "harness/machine.hpp"
#include "harness/require.hpp"
#include "pg/fsm/lookup.hpp"
#include "pg/fsm/query.hpp"

#include <memory>

namespace {

using namespace tradecore;
using fuzz::require;
using pg::fsm::action;

std::shared_ptr<const pg::row_description> some_columns(std::size_t count)
{
    return count == 0 ? nullptr
                      : std::make_shared<const pg::row_description>(count, pg::column{.name = "n", .type = 23});
}

void read_rows(const pg::result& rows)
{
    for (const auto row : rows)
        for (std::size_t i = 0; i < row.size(); ++i)
            require(row[i].bytes().size() < 1U << 20U, "a field is inside of its row");
    (void)rows.tag().rows_affected();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    fuzz::byte_source input(data, size);
    const auto which = input.below(4);
    const auto count = input.below(4);
    if (which == 0) {
        pg::fsm::prepare machine;
        const auto seen = fuzz::feed(machine, input);
        require(seen.last != action::done || machine.error() || seen.messages >= 4, "no end before the answer");
    }
    else if (which == 1) {
        const auto commands = input.below(3);
        pg::fsm::execute machine(some_columns(count), commands);
        const auto seen = fuzz::feed(machine, input);
        require(
            seen.last != action::done || machine.error() || seen.messages >= 3 + 3 * commands,
            "no end before the answer");
        read_rows(machine.answer());
    }
    else if (which == 3) {
        pg::fsm::lookup machine(some_columns(1 + count));
        const auto seen = fuzz::feed(machine, input);
        require(seen.last != action::done || machine.error() || seen.messages >= 4, "no end before the answer");
        read_rows(machine.answer());
    }
    else {
        pg::fsm::script machine;
        fuzz::feed(machine, input);
        for (const auto& answer : machine.answers())
            read_rows(answer);
    }
    return 0;
}
