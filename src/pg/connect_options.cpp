// SPDX-License-Identifier: Apache-2.0
#include "pg/conninfo/dsn.hpp"
#include "pg/conninfo/environment_values.hpp"
#include "pg/conninfo/host_list.hpp"
#include "pg/conninfo/keywords.hpp"
#include "pg/conninfo/readers.hpp"
#include "pg/conninfo/service.hpp"

#include <tradecore/pg/connect_options.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>

namespace tradecore::pg {

namespace {

using conninfo::refuse;

void apply(conninfo::draft& to, const conninfo::keyword& keyword, const conninfo::value& said)
{
    try {
        keyword.apply(to, said.text);
    }
    catch (const conninfo::bad_value& problem) {
        refuse(said.origin, std::string(keyword.name) + " " + problem.what());
    }
    catch (const std::invalid_argument& problem) {
        refuse(said.origin, problem.what());
    }
}

// Lists that do not fit together may come from several places: the first of them that said something is named.
std::string origin_of_hosts(const conninfo::values& said)
{
    for (const auto* const keyword : {"port", "hostaddr", "host"}) {
        if (const auto found = said.find(keyword); found != said.end())
            return found->second.origin;
    }
    return std::string(conninfo::connection_string);
}

connect_options finish(conninfo::draft&& read, const conninfo::values& said, const environment& from)
{
    auto options = std::move(read.options);
    try {
        options.hosts = conninfo::join_host_lists(read.hosts, read.addresses, read.ports);
    }
    catch (const std::invalid_argument& problem) {
        refuse(origin_of_hosts(said), problem.what());
    }
    if (options.user.empty())
        options.user = from.user_name;
    if (options.user.empty())
        refuse(conninfo::connection_string, "user is not given, and the process's user has no name");
    if (options.application_name.empty() || !said.contains("application_name")) {
        options.application_name = read.fallback_application_name.empty() ? connect_options{}.application_name
                                                                          : read.fallback_application_name;
    }
    if (const auto home = conninfo::home_of(from); !home.empty()) {
        if (options.passfile.empty())
            options.passfile = home + "/.pgpass";
        options.tls.default_folder = home + "/.postgresql";
    }
    // Anybody can have a certificate of those that the system believes: only the name tells them apart.
    if (options.tls.root_certificate == "system" && !read.ssl_mode_given)
        options.tls.mode = ssl_mode::verify_full;
    options.settings.merge(conninfo::settings_of(from));
    return options;
}

std::string address_of(const host_address& host)
{
    const auto& name = host.name();
    const bool is_ipv6 = !host.is_unix_socket() && name.find(':') != std::string::npos;
    return (is_ipv6 ? "[" + name + "]" : name) + ":" + std::to_string(host.port);
}

// A time beyond all clocks would come out as one that has passed.
bool is_limit(std::chrono::milliseconds time)
{
    return time.count() > 0 && time <= std::chrono::seconds(std::numeric_limits<std::int32_t>::max());
}

// What would undo an option of its own, or what this library relies on. In any case: so the server takes names.
std::optional<std::string> problem_of_setting(const std::string& name)
{
    std::string plain = name;
    std::ranges::transform(
        plain, plain.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (plain == "user" || plain == "database")
        return name + " must not be among the settings: connect_options::" + plain + " is for that";
    if (plain == "client_encoding")
        return name + " must not be among the settings: it is always UTF8";
    if (plain == "replication")
        return name + " must not be among the settings: replication is not supported";
    return std::nullopt;
}

bool has_nul(const std::string& text)
{
    return text.find('\0') != std::string::npos;
}

std::optional<std::string> problem_of(const connect_options& options)
{
    if (options.hosts.empty())
        return "no host is given";
    for (const auto& host : options.hosts) {
        if (host.name().empty())
            return "host is empty";
        if (has_nul(host.host) || has_nul(host.hostaddr))
            return "host or hostaddr contains NUL";
        if (host.port == 0)
            return "port must be a number from 1 to 65535";
    }
    if (options.user.empty())
        return "user is empty";
    if (!is_limit(options.connect_timeout))
        return "connect_timeout must be above 0 and at most 2147483647 s";
    if (!is_limit(options.cancel_timeout))
        return "cancel_timeout must be above 0 and at most 2147483647 s";
    if (options.statement_timeout.count() < 0)
        return "statement_timeout must not be below 0";
    if (options.statement_timeout > longest_statement_timeout)
        return "statement_timeout must not be above 2147483647 ms, the server's own limit";
    const auto& tls = options.tls;
    if (tls.root_certificate == "system" && tls.mode != ssl_mode::verify_full)
        return "sslrootcert=system needs sslmode=verify-full";
    if (tls.negotiation == ssl_negotiation::direct && tls.mode < ssl_mode::require)
        return "sslnegotiation=direct needs sslmode=require, verify-ca or verify-full";
    if (tls.maximum_version && *tls.maximum_version < tls.minimum_version)
        return "ssl_max_protocol_version is below ssl_min_protocol_version";

    // It would end a value in the start-up message and let the rest pass for another parameter.
    if (has_nul(options.user) || has_nul(options.database) || has_nul(options.application_name) ||
        has_nul(options.options))
        return "user, database, application_name or options contains NUL";
    for (const auto& [name, text] : options.settings) {
        if (name.empty() || has_nul(name) || has_nul(text))
            return "the name of a setting is empty, or a setting contains NUL";
        if (auto problem = problem_of_setting(name))
            return problem;
    }
    return std::nullopt;
}

} // namespace

connect_options connect_options::parse(std::string_view dsn)
{
    return parse(dsn, environment::of_process());
}

connect_options connect_options::parse(std::string_view dsn, const environment& from)
{
    auto said = conninfo::split_dsn(dsn);
    conninfo::add_service(said, from);
    conninfo::add_environment(said, from);
    conninfo::draft read;
    for (const auto& keyword : conninfo::keywords()) {
        if (const auto found = said.find(keyword.name); found != said.end())
            apply(read, keyword, found->second);
    }
    auto options = finish(std::move(read), said, from);
    if (const auto problem = problem_of(options))
        refuse(conninfo::connection_string, *problem);
    return options;
}

void connect_options::validate() const
{
    if (const auto problem = problem_of(*this))
        refuse("connect_options", *problem);
}

std::string connect_options::describe() const
{
    std::string list;
    for (const auto& host : hosts)
        list += (list.empty() ? "" : ",") + address_of(host);
    return list + "/" + (database.empty() ? user : database) + " as " + user;
}

std::string connect_options::describe(const host_address& host) const
{
    return address_of(host) + "/" + (database.empty() ? user : database) + " as " + user;
}

} // namespace tradecore::pg
