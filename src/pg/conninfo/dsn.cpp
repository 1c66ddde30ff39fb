// SPDX-License-Identifier: Apache-2.0
#include "pg/conninfo/dsn.hpp"

namespace tradecore::pg::conninfo {

values split_dsn(std::string_view dsn)
{
    // It would end a value in the start-up message and let the rest pass for another parameter.
    if (dsn.find('\0') != std::string_view::npos)
        refuse(connection_string, "contains NUL");
    for (const std::string_view scheme : {"postgresql://", "postgres://"}) {
        if (dsn.starts_with(scheme))
            return split_uri(dsn.substr(scheme.size()));
    }
    // No keyword has these characters in it: this is meant to be a URI.
    if (const auto mark = dsn.find("://"); mark != std::string_view::npos && mark < dsn.find('='))
        refuse(connection_string, "the scheme of a URI must be postgresql or postgres, with nothing before it");
    return split_keyword_values(dsn);
}

} // namespace tradecore::pg::conninfo
