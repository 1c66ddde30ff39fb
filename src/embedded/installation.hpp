// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace tradecore::embedded {

/// The programs of one PostgreSQL version.
struct installation {
    int major = 0;
    std::filesystem::path programs;
};

/// What: every version below the folders `<root>/<major>/bin`, newest first.
std::vector<installation> installations_below(const std::filesystem::path& root);

/// What: the version that a program's `--version` answer names, such as `postgres (PostgreSQL) 15.20 (Debian …)`.
std::optional<int> major_of(std::string_view answer);

/// What: the first folder of a PATH that has both `postgres` and `initdb`.
std::optional<std::filesystem::path> programs_in_path(std::string_view path);

/// What: the version to use: the wanted one when data exist, else the newest.
/// Errors: `error` that names the Debian package when it is not among the installed ones.
installation choose(const std::vector<installation>& installed, std::optional<int> wanted);

/// What: looks at this machine. Errors: as `choose`.
installation find_installation(const std::filesystem::path& given, std::optional<int> wanted);

} // namespace tradecore::embedded
