// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <libpq-fe.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tradecore::pg::test::libpq {

using keyword_map = std::map<std::string, std::string, std::less<>>;
using option_list = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;
using connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;

inline keyword_map values_of(const PQconninfoOption* option)
{
    keyword_map values;
    for (; option != nullptr && option->keyword != nullptr; ++option) {
        if (option->val != nullptr)
            values.emplace(option->keyword, option->val);
    }
    return values;
}

/// @returns what libpq reads in a connection string; none when it refuses it.
inline std::optional<keyword_map> parse(const std::string& dsn)
{
    char* message = nullptr;
    const option_list read(PQconninfoParse(dsn.c_str(), &message), PQconninfoFree);
    PQfreemem(message);
    return read ? std::optional(values_of(read.get())) : std::nullopt;
}

/// Its keywords, each with its environment variable.
inline keyword_map keywords()
{
    keyword_map known;
    const option_list defaults(PQconndefaults(), PQconninfoFree);
    for (const auto* option = defaults.get(); option->keyword != nullptr; ++option)
        known.emplace(option->keyword, option->envvar == nullptr ? "" : option->envvar);
    return known;
}

/// Changes the process's environment, which libpq reads, for as long as it lives.
class scoped_variables {
public:
    explicit scoped_variables(const keyword_map& set)
    {
        std::vector<std::string> names{"HOME", "PGSERVICEFILE", "PGSYSCONFDIR", "PGREQUIRESSL"};
        for (const auto& [keyword, variable] : keywords())
            names.push_back(variable);
        for (const auto& name : names) {
            if (name.empty())
                continue;
            const char* const old = std::getenv(name.c_str());
            before_.emplace(name, old == nullptr ? std::nullopt : std::optional<std::string>(old));
            unsetenv(name.c_str());
        }
        for (const auto& [name, text] : set)
            setenv(name.c_str(), text.c_str(), 1);
    }
    scoped_variables(const scoped_variables&) = delete;
    scoped_variables& operator=(const scoped_variables&) = delete;
    scoped_variables(scoped_variables&&) = delete;
    scoped_variables& operator=(scoped_variables&&) = delete;
    ~scoped_variables()
    {
        for (const auto& [name, text] : before_) {
            if (text)
                setenv(name.c_str(), text->c_str(), 1);
            else
                unsetenv(name.c_str());
        }
    }

private:
    std::map<std::string, std::optional<std::string>> before_;
};

} // namespace tradecore::pg::test::libpq
