// SPDX-License-Identifier: Apache-2.0
#include "embedded/config_text.hpp"

#include <tradecore/embedded/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace tradecore::embedded {
namespace {

bool is_plain(char c, std::string_view also)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || also.find(c) != also.npos;
}

void append_setting(std::string& text, std::string_view name, std::string_view value)
{
    if (name.empty() || !std::ranges::all_of(name, [](char c) { return is_plain(c, "_."); }))
        throw error{fmt::format("'{}' cannot be the name of a PostgreSQL setting", name)};
    if (value.find_first_of(std::string_view{"\0\n\r", 3}) != value.npos)
        throw error{fmt::format("the value of the PostgreSQL setting {} holds a line break or a zero byte", name)};
    text += name;
    text += " = '";
    for (const char c : value) {
        if (c == '\'' || c == '\\')
            text += c; // doubled
        text += c;
    }
    text += "'\n";
}

std::string percent_encoded(std::string_view text)
{
    std::string out;
    for (const char c : text) {
        if (is_plain(c, "-._~"))
            out += c;
        else
            fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

} // namespace

std::string postgresql_conf(
    const options& wanted, std::uint16_t port, const std::filesystem::path& folder,
    const std::filesystem::path& socket_folder)
{
    std::string text = "# Written at every start; changes are lost.\n";
    const auto set = [&text](std::string_view name, std::string_view value) { append_setting(text, name, value); };
    set("hba_file", (folder / "pg_hba.conf").string());
    set("ident_file", (folder / "pg_ident.conf").string());
    set("listen_addresses", wanted.tcp_port ? "127.0.0.1" : "");
    set("port", std::to_string(port));
    set("unix_socket_directories", socket_folder.string());
    set("unix_socket_permissions", "0700");
    set("password_encryption", "scram-sha-256");
    set("cluster_name", superuser);
    set("max_connections", std::to_string(wanted.max_connections));
    set("shared_buffers", "256MB");
    set("fsync", "on");
    set("synchronous_commit", "on");
    set("wal_compression", "on");
    set("max_wal_size", "2GB");
    set("checkpoint_timeout", "15min");
    set("jit", "off");
    set("timezone", "UTC");
    set("log_timezone", "UTC");
    set("lc_messages", "C");
    // One file a weekday, emptied when its day comes again; statements stay out, for they hold the user's data.
    set("logging_collector", "on");
    set("log_directory", (folder / "log").string());
    set("log_filename", "server-%u.log");
    set("log_rotation_age", "1d");
    set("log_rotation_size", "0");
    set("log_truncate_on_rotation", "on");
    set("log_file_mode", "0600");
    set("log_line_prefix", "%m [%p] %q%u@%d ");
    set("log_min_error_statement", "panic");
    for (const auto& [name, value] : wanted.settings)
        set(name, value);
    return text;
}

std::string pg_hba_conf(const options& wanted)
{
    std::string text = "# Written at every start; changes are lost.\n";
    for (const std::string& line : wanted.hba_lines)
        text += line + "\n";
    text += "local all all peer map=tradecore\n";
    if (wanted.tcp_port)
        text += "host all all 127.0.0.1/32 scram-sha-256\n";
    return text;
}

std::string pg_ident_conf(const std::vector<std::string>& users)
{
    std::string text = "# Written at every start; changes are lost.\n";
    for (const std::string& user : users) {
        if (user.empty() || user.starts_with('/') || user.find_first_of(std::string_view{"\"\n\r\0", 4}) != user.npos)
            throw error{fmt::format("the user name '{}' cannot stand in pg_ident.conf", user)};
        text += fmt::format("tradecore \"{}\" {}\n", user, superuser);
    }
    return text;
}

std::filesystem::path socket_path(const std::filesystem::path& folder, std::uint16_t port)
{
    return folder / fmt::format(".s.PGSQL.{}", port);
}

bool usable_socket_folder(const std::filesystem::path& folder, std::uint16_t port)
{
    return folder.is_absolute() && socket_path(folder, port).native().size() <= longest_socket_path &&
           std::ranges::all_of(folder.native(), [](char c) { return is_plain(c, "/._-"); });
}

std::string
socket_dsn(std::string_view user, std::string_view database, const std::filesystem::path& folder, std::uint16_t port)
{
    return fmt::format(
        "postgresql://{}@/{}?host={}&port={}", percent_encoded(user), percent_encoded(database),
        percent_encoded(folder.native()), port);
}

} // namespace tradecore::embedded
