// SPDX-License-Identifier: Apache-2.0
#include "pg/dsn.hpp"

#include <tradecore/pg/connect_options.hpp>

#include <charconv>
#include <stdexcept>

namespace tradecore::pg {

namespace {

[[noreturn]] void refuse(const std::string& reason)
{
    throw std::invalid_argument("connection string: " + reason);
}

template <class T>
T number(std::string_view keyword, std::string_view text, T least, T most)
{
    T value{};
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc{} || end != text.data() + text.size() || value < least || value > most) {
        refuse(
            std::string(keyword) + " must be a number from " + std::to_string(least) + " to " + std::to_string(most));
    }
    return value;
}

ssl_mode read_ssl_mode(std::string_view text)
{
    static const std::map<std::string_view, ssl_mode> modes{
        {"disable", ssl_mode::disable}, {"allow", ssl_mode::allow},         {"prefer", ssl_mode::prefer},
        {"require", ssl_mode::require}, {"verify-ca", ssl_mode::verify_ca}, {"verify-full", ssl_mode::verify_full}};
    const auto found = modes.find(text);
    if (found == modes.end())
        refuse("sslmode must be disable, allow, prefer, require, verify-ca or verify-full");
    return found->second;
}

void apply(connect_options& to, const detail::dsn_setting& setting)
{
    const auto& [keyword, value] = setting;
    if (keyword == "host") {
        to.hosts.front().host = value;
    }
    else if (keyword == "port") {
        to.hosts.front().port = number<std::uint16_t>(keyword, value, 1, 65'535);
    }
    else if (keyword == "user") {
        to.user = value;
    }
    else if (keyword == "password") {
        to.password = value;
    }
    else if (keyword == "dbname") {
        to.database = value;
    }
    else if (keyword == "application_name") {
        to.application_name = value;
    }
    else if (keyword == "connect_timeout") {
        // In seconds, as libpq has it.
        to.connect_timeout = std::chrono::seconds(number<std::int32_t>(keyword, value, 1, 86'400));
    }
    else if (keyword == "statement_timeout") {
        to.statement_timeout = std::chrono::milliseconds(number<std::int32_t>(keyword, value, 0, 2'147'483'647));
    }
    else if (keyword == "statement_cache_size") {
        to.statement_cache_size = number<std::uint32_t>(keyword, value, 0, 100'000);
    }
    else if (keyword == "search_path") {
        to.settings["search_path"] = value;
    }
    else if (keyword == "sslmode") {
        to.tls.mode = read_ssl_mode(value);
    }
    else {
        refuse("unknown keyword \"" + keyword + "\"");
    }
}

void check_text(std::string_view keyword, std::string_view value)
{
    // A NUL would end the value in the start-up message and let the rest pass for another parameter.
    if (value.find('\0') != std::string_view::npos) {
        refuse(std::string(keyword) + " contains NUL");
    }
}

} // namespace

connect_options connect_options::parse(std::string_view dsn)
{
    return parse(dsn, environment::of_process());
}

connect_options connect_options::parse(std::string_view dsn, const environment& from)
{
    connect_options options;
    options.hosts.emplace_back();
    for (const auto& setting : detail::split_dsn(dsn)) {
        check_text(setting.keyword, setting.value);
        apply(options, setting);
    }
    if (options.hosts.front().host.find(',') != std::string::npos) {
        refuse("host: one host only, not a list");
    }
    if (options.hosts.front().host.empty()) {
        options.hosts.front().host = "/var/run/postgresql";
    }
    if (options.user.empty()) {
        options.user = from.user_name;
    }
    if (options.user.empty()) {
        refuse("user is not given, and the process's user has no name");
    }
    return options;
}

std::string connect_options::describe() const
{
    std::string list;
    for (const auto& host : hosts)
        list += (list.empty() ? "" : ",") + host.name() + ":" + std::to_string(host.port);
    return list + "/" + (database.empty() ? user : database) + " as " + user;
}

std::string connect_options::describe(const host_address& host) const
{
    return host.name() + ":" + std::to_string(host.port) + "/" + (database.empty() ? user : database) + " as " + user;
}

} // namespace tradecore::pg
