// SPDX-License-Identifier: Apache-2.0
#include "pg/fsm/startup_settings.hpp"

#include <algorithm>
#include <string_view>

namespace tradecore::pg::fsm {

namespace {

// The server compares the names of parameters without regard to case.
bool same_name(std::string_view a, std::string_view b)
{
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::ranges::equal(a, b, {}, lower, lower);
}

} // namespace

std::vector<std::pair<std::string, std::string>> startup_settings(const connect_options& options)
{
    std::vector<std::pair<std::string, std::string>> said;
    const auto say = [&said](std::string_view name, std::string_view value) {
        const auto known = std::ranges::find_if(said, [&](const auto& one) { return same_name(one.first, name); });
        if (known != said.end())
            known->second = value;
        else
            said.emplace_back(name, value);
    };
    say("user", options.user);
    say("database", options.database.empty() ? options.user : options.database);
    if (!options.application_name.empty())
        say("application_name", options.application_name);
    say("client_encoding", "UTF8");
    say("DateStyle", "ISO");
    if (options.prepared_statements == prepared_statements::named) {
        say("IntervalStyle", "iso_8601");
        say("extra_float_digits", "3");
        say("bytea_output", "hex");
    }
    if (!options.options.empty())
        say("options", options.options);
    if (options.statement_timeout.count() > 0)
        say("statement_timeout", std::to_string(options.statement_timeout.count()));
    for (const auto& [name, value] : options.settings)
        say(name, value);
    return said;
}

} // namespace tradecore::pg::fsm
