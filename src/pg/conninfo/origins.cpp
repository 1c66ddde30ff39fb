// SPDX-License-Identifier: Apache-2.0
#include "pg/conninfo/dsn.hpp"
#include "pg/conninfo/environment_values.hpp"
#include "pg/conninfo/service.hpp"

#include <tradecore/pg/connect_origins.hpp>

#include <utility>

namespace tradecore::pg {

std::map<std::string, std::string, std::less<>> connect_origins(std::string_view dsn, const environment& from)
{
    auto said = conninfo::split_dsn(dsn);
    conninfo::add_service(said, from);
    conninfo::add_environment(said, from);
    std::map<std::string, std::string, std::less<>> origins;
    for (auto& [keyword, value] : said)
        if (!value.text.empty())
            origins.emplace(keyword, std::move(value.origin));
    return origins;
}

} // namespace tradecore::pg
