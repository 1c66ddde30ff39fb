// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/environment.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <stdlib.h>
#include <string>

namespace tradecore::pg::test {

using variables = std::map<std::string, std::string, std::less<>>;

/// An environment with only these variables, of a user "system-user" whose home does not exist.
inline environment with_variables(variables set)
{
    environment made;
    made.variable = [set = std::move(set)](std::string_view name) -> std::optional<std::string> {
        const auto found = set.find(name);
        return found == set.end() ? std::nullopt : std::optional(found->second);
    };
    made.user_name = "system-user";
    made.home = "/home/of/system";
    made.system_folder = "/etc/of/nobody";
    return made;
}

inline environment nothing_set()
{
    return with_variables({});
}

/// A folder of its own that goes away with it.
class scratch_folder {
public:
    scratch_folder()
    {
        std::string name = (std::filesystem::temp_directory_path() / "tradecore-conninfo-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr)
            throw std::runtime_error("cannot make " + name);
        path_ = name;
    }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;
    scratch_folder(scratch_folder&&) = delete;
    scratch_folder& operator=(scratch_folder&&) = delete;
    ~scratch_folder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] std::string path() const { return path_.string(); }

    /// Writes a file that only its owner may read.
    /// @returns its path.
    std::string write(const std::string& name, const std::string& text) const
    {
        const auto file = path_ / name;
        std::ofstream(file, std::ios::binary) << text;
        std::filesystem::permissions(file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
        return file.string();
    }

private:
    std::filesystem::path path_;
};

} // namespace tradecore::pg::test
