// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/environment.hpp>

#include <cstdlib>
#include <pwd.h>
#include <unistd.h>

namespace tradecore::pg {

environment environment::of_process()
{
    environment own;
    own.variable = [](std::string_view name) -> std::optional<std::string> {
        const char* const value = std::getenv(std::string(name).c_str());
        return value == nullptr ? std::nullopt : std::optional<std::string>(value);
    };
    passwd entry{};
    passwd* found = nullptr;
    std::string buffer(16'384, '\0');
    if (getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
        own.user_name = found->pw_name;
        own.home = found->pw_dir;
    }
    return own;
}

} // namespace tradecore::pg
