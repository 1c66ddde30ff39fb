// SPDX-License-Identifier: Apache-2.0
// COPY both ways, with any sequence of messages while its owner sends, takes, gives up.
#include "harness/machine.hpp"
#include "harness/messages.hpp"
#include "harness/require.hpp"
#include "pg/fsm/copy_in.hpp"
#include "pg/fsm/copy_out.hpp"

namespace {

using namespace tradecore;
using fuzz::require;
using pg::fsm::action;

void copy_in(fuzz::byte_source& input)
{
    pg::fsm::copy_in machine;
    const auto plan = input.some();
    bool ended = false;
    const auto seen = fuzz::feed(machine, input, plan, [&](std::uint8_t what) {
        if (ended)
            return;
        if (what % 8 == 1 && machine.takes_data()) {
            machine.end_sent();
            ended = true;
        }
        if (what % 8 == 2) {
            const auto last_words = fuzz::types_of_client_messages(machine.cancel());
            require(last_words.empty() || last_words == "fS", "COPY is given up with CopyFail and Sync");
            ended = !last_words.empty();
        }
    });
    require(!machine.takes_data() || machine.was_copy(), "data is only taken by COPY");
    require(seen.last != action::done || machine.error() || machine.refuses_data(), "no end before the answer");
}

void copy_out(fuzz::byte_source& input)
{
    const auto limit = 1 + input.below(64);
    pg::fsm::copy_out machine(limit);
    const auto plan = input.some();
    bool dropped = false;
    std::size_t taken = 0;
    const auto size = input.size();
    const auto seen = fuzz::feed(machine, input, plan, [&](std::uint8_t what) {
        if (what % 4 == 1)
            taken += machine.take_data().size();
        if (what % 16 == 2) {
            machine.drop();
            dropped = true;
        }
        require(!dropped || machine.undelivered() == 0, "what is dropped is not kept");
    });
    taken += machine.take_data().size();
    require(taken <= 2 * size + 64, "no data comes from nowhere");
    require(seen.last != action::done || machine.error() || seen.messages >= 4, "no end before the answer");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    fuzz::byte_source input(data, size);
    if (input.flag())
        copy_in(input);
    else
        copy_out(input);
    return 0;
}
