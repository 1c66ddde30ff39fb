// SPDX-License-Identifier: Apache-2.0
// Start-up and authentication, with any sequence of messages and with all options that steer it.
#include "harness/machine.hpp"
#include "harness/messages.hpp"
#include "harness/require.hpp"
#include "pg/fsm/startup.hpp"

#include <tradecore/pg/connect_options.hpp>

namespace {

using namespace tradecore;
using fuzz::require;
using pg::fsm::action;

pg::connect_options options_from(fuzz::byte_source& input)
{
    pg::connect_options options;
    options.hosts = {{.host = "/tmp"}};
    options.user = "trader";
    options.max_scram_iterations = 8;
    options.channel_binding = static_cast<pg::channel_binding_mode>(input.below(3));
    options.allow_cleartext_password = input.flag();
    return options;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    fuzz::byte_source input(data, size);
    const auto options = options_from(input);
    const auto about = input.u8();
    pg::fsm::login as;
    as.password = pg::auth::secret((about & 1U) != 0 ? "pencil" : "");
    as.nonce = "rOprNGfwEbeRWgbNEkqO";
    as.encrypted = (about & 2U) != 0;
    as.local = (about & 4U) != 0;
    if (as.encrypted && (about & 8U) != 0)
        as.end_point = std::string(32, 'h');

    pg::fsm::startup machine(options, std::move(as));
    std::string first;
    machine.begin(first);
    require(fuzz::types_of_client_messages(first, true) == " ", "start-up begins with one message");

    const auto seen = fuzz::feed(machine, input);
    require(
        seen.last != action::done || machine.authenticated() || machine.refusal() || machine.objected(),
        "nobody is let in without being asked, and nobody is turned away without a reason");
    if (const auto& why = machine.objected())
        require(!why->text.empty(), "an objection says why");
    return 0;
}
