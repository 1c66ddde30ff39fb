// SPDX-License-Identifier: Apache-2.0
#include "embedded/account.hpp"

#include <tradecore/embedded/error.hpp>

#include <fmt/format.h>

#include <grp.h>
#include <optional>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tradecore::embedded {
namespace {

std::optional<account> from_entry(const passwd* entry)
{
    if (entry == nullptr)
        return std::nullopt;
    account found{entry->pw_name, entry->pw_uid, entry->pw_gid, {}};
    int count = 64;
    found.groups.resize(static_cast<std::size_t>(count));
    if (getgrouplist(entry->pw_name, entry->pw_gid, found.groups.data(), &count) < 0) {
        found.groups.resize(static_cast<std::size_t>(count));
        getgrouplist(found.name.c_str(), found.gid, found.groups.data(), &count);
    }
    found.groups.resize(static_cast<std::size_t>(count));
    return found;
}

} // namespace

account calling_account()
{
    const uid_t uid = geteuid();
    if (auto found = from_entry(getpwuid(uid)))
        return *found;
    throw error{fmt::format(
        "user id {} has no name in the password database; PostgreSQL can be run and used only by users that have one",
        uid)};
}

account server_account(const account& caller, const std::filesystem::path& existing_data)
{
    if (caller.uid != 0)
        return caller;
    struct stat info{};
    if (::stat(existing_data.c_str(), &info) == 0 && info.st_uid != 0) {
        if (auto owner = from_entry(getpwuid(info.st_uid)))
            return *owner;
        throw error{fmt::format(
            "{} belongs to user id {}, which has no name on this machine", existing_data.string(), info.st_uid)};
    }
    for (const char* const name : {"postgres", "daemon", "nobody"}) {
        if (auto found = from_entry(getpwnam(name)); found && found->uid != 0)
            return *found;
    }
    throw error{
        "PostgreSQL must not be run by root, and this machine has no user 'postgres' (package postgresql-common), "
        "'daemon' or 'nobody' to run it"};
}

} // namespace tradecore::embedded
