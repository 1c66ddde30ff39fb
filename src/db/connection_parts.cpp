// SPDX-License-Identifier: Apache-2.0
#include "db/connection_parts.hpp"

#include <tradecore/pg/connect_origins.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cstddef>
#include <initializer_list>

namespace tradecore {
namespace {

// By the values of the enumerations.
constexpr std::array<std::string_view, 6> ssl_modes{"disable", "allow",     "prefer",
                                                    "require", "verify-ca", "verify-full"};
constexpr std::array<std::string_view, 6> targets{"any",     "read-write", "read-only",
                                                  "primary", "standby",    "prefer-standby"};

template <std::size_t count, class Value>
std::string word(const std::array<std::string_view, count>& words, Value value)
{
    return std::string(words.at(static_cast<std::size_t>(value)));
}

template <class Part>
std::string list_of(const std::vector<pg::host_address>& hosts, Part part)
{
    std::vector<std::string> all;
    for (const auto& host : hosts)
        all.push_back(part(host));
    return fmt::format("{}", fmt::join(all, ","));
}

/// Finds the words of people for where keywords come from.
class origins {
public:
    origins(std::string_view dsn, const pg::environment& from, const std::string& variable)
        : found_(pg::connect_origins(dsn, from)), variable_(variable)
    {}

    /// @returns what gives the first of the keywords that anything gives.
    [[nodiscard]] std::string of(std::initializer_list<std::string_view> keywords) const
    {
        static constexpr std::string_view variable = "environment variable ";
        for (const auto keyword : keywords) {
            const auto one = found_.find(keyword);
            if (one == found_.end())
                continue;
            if (one->second == "connection string")
                return variable_;
            return one->second.starts_with(variable) ? one->second.substr(variable.size()) : one->second;
        }
        return "default";
    }

private:
    std::map<std::string, std::string, std::less<>> found_;
    std::string variable_;
};

} // namespace

std::string word_for_password(const pg::connect_options& to)
{
    if (!to.password.empty() || to.provide_password)
        return "given (hidden)";
    return to.passfile.empty() ? "none" : "looked for in " + to.passfile;
}

std::vector<setting> connection_parts(
    const pg::connect_options& to, std::string_view dsn, const pg::environment& from, const std::string& variable)
{
    const origins origin(dsn, from, variable);
    const bool is_unnamed = to.prepared_statements == pg::prepared_statements::unnamed;
    return {
        {"host", list_of(to.hosts, [](const auto& host) { return host.name(); }), origin.of({"host", "hostaddr"})},
        {"port", list_of(to.hosts, [](const auto& host) { return std::to_string(host.port); }), origin.of({"port"})},
        {"dbname", to.database.empty() ? to.user : to.database, origin.of({"dbname"})},
        {"user", to.user, origin.of({"user"})},
        {"password", word_for_password(to), origin.of({"password", "passfile"})},
        {"sslmode", word(ssl_modes, to.tls.mode), origin.of({"sslmode"})},
        {"target_session_attrs", word(targets, to.target_session), origin.of({"target_session_attrs"})},
        {"connect_timeout", fmt::to_string(static_cast<double>(to.connect_timeout.count()) / 1000.0),
         origin.of({"connect_timeout"})},
        {"prepared_statements", is_unnamed ? "unnamed" : "named", origin.of({"prepared_statements"})}};
}

} // namespace tradecore
