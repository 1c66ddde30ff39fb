// SPDX-License-Identifier: Apache-2.0
// Connection strings, with any text, and with a password in the midst of any text: they are understood or refused with
// one kind of exception, whose message does not tell the password.
#include "harness/bytes.hpp"
#include "harness/require.hpp"

#include <tradecore/pg/connect_options.hpp>

#include <stdexcept>
#include <string>

namespace {

using namespace tradecore;
using fuzz::require;

constexpr std::string_view password = "S3cr3tMark";

// Nothing of the machine the fuzzer runs on.
pg::environment nowhere(fuzz::byte_source& input)
{
    const auto variables = input.some();
    return {
        .variable = [variables](std::string_view name) -> std::optional<std::string> {
            if (name == "PGSERVICEFILE" || name == "PGSYSCONFDIR" || name == "HOME")
                return "/nonexistent";
            // A few of them are set, to what the input says.
            if (variables.empty() || name.size() % 4 != static_cast<unsigned char>(variables[0]) % 16)
                return std::nullopt;
            return std::string(variables.substr(1));
        },
        .user_name = "trader",
        .home = "/nonexistent",
        .system_folder = "/nonexistent",
    };
}

std::string make_dsn(fuzz::byte_source& input)
{
    const auto kind = input.below(4);
    const std::string before(input.some());
    const std::string after(input.rest());
    // The fuzzer learns the password, and uses it where none is meant.
    if ((before + after).find(password) != std::string::npos)
        return {};
    switch (kind) {
    case 0:
        return before + after;
    case 1:
        return before + " password=" + std::string(password) + " " + after;
    case 2:
        return "postgresql://u:" + std::string(password) + "@" + before + after;
    default:
        return "postgresql://" + before + "?password=" + std::string(password) + "&" + after;
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    fuzz::byte_source input(data, size);
    const auto environment = nowhere(input);
    const auto dsn = make_dsn(input);
    try {
        const auto options = pg::connect_options::parse(dsn, environment);
        require(!options.hosts.empty() && !options.user.empty(), "complete options have a host and a user");
        options.validate();
        (void)options.describe(options.hosts.front());
    }
    catch (const std::invalid_argument& refused) {
        const std::string_view why = refused.what();
        require(!why.empty(), "a refusal says why");
        require(why.find(password) == std::string_view::npos, "a refusal does not tell the password");
    }
    return 0;
}
