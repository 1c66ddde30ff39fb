// SPDX-License-Identifier: Apache-2.0
#include "pg/conninfo/service.hpp"

#include "pg/conninfo/environment_values.hpp"
#include "pg/conninfo/keywords.hpp"

#include <fstream>
#include <string>
#include <sys/stat.h>

namespace tradecore::pg::conninfo {

namespace {

std::string_view trim(std::string_view line)
{
    constexpr std::string_view blanks = " \t\n\v\f\r";
    const auto begin = line.find_first_not_of(blanks);
    if (begin == std::string_view::npos)
        return {};
    return line.substr(begin, line.find_last_not_of(blanks) - begin + 1);
}

bool exists(const std::string& path)
{
    struct stat facts{};
    return stat(path.c_str(), &facts) == 0;
}

void read_setting(std::string_view line, const std::string& where, values& to)
{
    const auto equals = line.find('=');
    if (line.starts_with("ldap"))
        refuse(where, "LDAP is not supported");
    if (equals == std::string_view::npos)
        refuse(where, "there must be keyword=value");
    const auto name = line.substr(0, equals);
    const auto text = line.substr(equals + 1);
    if (name == "service")
        refuse(where, "a service cannot name another");
    if (find_keyword(name) == nullptr)
        refuse(where, name_unknown(name) + " is not known");
    if (text.find('\0') != std::string_view::npos)
        refuse(where, std::string(name) + " contains NUL");
    to.try_emplace(std::string(name), value{std::string(text), where});
}

bool read_file(const std::string& path, std::string_view service, values& to)
{
    std::ifstream file(path);
    if (!file)
        refuse("service file " + path, "cannot be read");
    return read_service(file, path, service, to);
}

} // namespace

bool read_service(std::istream& file, std::string_view file_name, std::string_view service, values& to)
{
    bool here = false;
    std::string whole;
    for (int number = 1; std::getline(file, whole); ++number) {
        const auto line = trim(whole);
        if (line.empty() || line.starts_with('#'))
            continue;
        if (line.starts_with('[')) {
            if (here)
                return true;
            here = line.substr(1).starts_with(service) && line.substr(1 + service.size()).starts_with(']');
        }
        else if (here) {
            read_setting(line, "service file " + std::string(file_name) + ", line " + std::to_string(number), to);
        }
    }
    return here;
}

void add_service(values& to, const environment& from)
{
    const auto named = to.find("service");
    const auto service = named != to.end() ? std::optional(named->second.text) : variable_of(from, "PGSERVICE");
    if (!service)
        return;
    const auto own = variable_of(from, "PGSERVICEFILE");
    const auto home = home_of(from);
    // A file that is named must be there; one in its usual place may be missing.
    if (own ? read_file(*own, *service, to)
            : !home.empty() && exists(home + "/.pg_service.conf") &&
                  read_file(home + "/.pg_service.conf", *service, to))
        return;
    const auto common = variable_of(from, "PGSYSCONFDIR").value_or(from.system_folder) + "/pg_service.conf";
    if (exists(common) && read_file(common, *service, to))
        return;
    refuse(
        named != to.end() ? named->second.origin : "environment variable PGSERVICE",
        "service \"" + *service + "\" is in no service file");
}

} // namespace tradecore::pg::conninfo
