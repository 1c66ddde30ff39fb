// SPDX-License-Identifier: Apache-2.0
#include "pg/conninfo/environment_values.hpp"

#include "pg/conninfo/keywords.hpp"
#include "pg/conninfo/readers.hpp"

namespace tradecore::pg::conninfo {

std::optional<std::string> variable_of(const environment& from, std::string_view name)
{
    if (!from.variable)
        return std::nullopt;
    auto text = from.variable(name);
    if (text && text->find('\0') != std::string::npos)
        refuse("environment variable " + std::string(name), "contains NUL");
    return text;
}

std::string home_of(const environment& from)
{
    const auto home = variable_of(from, "HOME");
    return home && !home->empty() ? *home : from.home;
}

void add_environment(values& to, const environment& from)
{
    for (const auto& known : keywords()) {
        if (known.variable.empty() || to.contains(known.name))
            continue;
        if (auto text = variable_of(from, known.variable))
            to.try_emplace(
                std::string(known.name),
                value{std::move(*text), "environment variable " + std::string(known.variable)});
    }
    // The old way to ask for TLS.
    if (!to.contains("sslmode") && variable_of(from, "PGREQUIRESSL").value_or("").starts_with('1'))
        to.try_emplace("sslmode", value{"require", "environment variable PGREQUIRESSL"});
}

std::map<std::string, std::string> settings_of(const environment& from)
{
    static constexpr std::pair<std::string_view, std::string_view> known[]{{"PGTZ", "TimeZone"}, {"PGGEQO", "geqo"}};
    std::map<std::string, std::string> settings;
    for (const auto& [variable, name] : known) {
        const auto text = variable_of(from, variable);
        if (text && !same_ignoring_case(*text, "default"))
            settings.emplace(name, *text);
    }
    return settings;
}

} // namespace tradecore::pg::conninfo
