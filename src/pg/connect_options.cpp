// SPDX-License-Identifier: Apache-2.0
#include "pg/dsn.hpp"

#include <tradecore/pg/connect_options.hpp>

#include <charconv>
#include <pwd.h>
#include <stdexcept>
#include <unistd.h>

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

// Plain text is all there is on the wire, so whoever asks for more must not believe to have it.
void check_sslmode(std::string_view mode)
{
    if (mode == "disable" || mode == "allow" || mode == "prefer") {
        return;
    }
    if (mode == "require" || mode == "verify-ca" || mode == "verify-full") {
        refuse("sslmode=" + std::string(mode) + " is not supported: this version does not speak TLS");
    }
    refuse("sslmode must be disable, allow, prefer, require, verify-ca or verify-full");
}

std::string operating_system_user()
{
    passwd entry{};
    passwd* found = nullptr;
    std::string buffer(16'384, '\0');
    if (getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
        return found->pw_name;
    }
    return {};
}

void apply(connect_options& to, const detail::dsn_setting& setting)
{
    const auto& [keyword, value] = setting;
    if (keyword == "host") {
        to.host = value;
    }
    else if (keyword == "port") {
        to.port = number<std::uint16_t>(keyword, value, 1, 65'535);
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
        check_sslmode(value);
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
    connect_options options;
    for (const auto& setting : detail::split_dsn(dsn)) {
        check_text(setting.keyword, setting.value);
        apply(options, setting);
    }
    if (options.host.find(',') != std::string::npos) {
        refuse("host: one host only, not a list");
    }
    if (options.host.empty()) {
        options.host = "/var/run/postgresql";
    }
    if (options.user.empty()) {
        options.user = operating_system_user();
    }
    if (options.user.empty()) {
        refuse("user is not given, and the process's user has no name");
    }
    return options;
}

std::string connect_options::describe() const
{
    return host + ":" + std::to_string(port) + "/" + (database.empty() ? user : database) + " as " + user;
}

} // namespace tradecore::pg
