// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

namespace tradecore::embedded {

/// A user of this machine.
struct account {
    std::string name;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;
};

/// What: the user that runs this program. Errors: `error` when it has no name (PostgreSQL refuses such users).
account calling_account();

/// What: the user the server runs as: the caller, unless that is root; then the owner of existing data, else
/// `postgres`, else another system user without rights. Errors: `error` when root finds none.
account server_account(const account& caller, const std::filesystem::path& existing_data);

} // namespace tradecore::embedded
