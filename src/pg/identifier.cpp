// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/error.hpp>
#include <tradecore/pg/identifier.hpp>

namespace tradecore::pg {

namespace {

// NAMEDATALEN - 1: a server cuts what is longer, and would then use another name than the one that was asked for.
constexpr std::size_t longest_identifier = 63;

} // namespace

std::string quote_identifier(std::string_view name)
{
    if (name.empty())
        throw argument_error("an identifier must not be empty");
    if (name.find('\0') != std::string_view::npos)
        throw argument_error("an identifier must not contain NUL");
    if (name.size() > longest_identifier)
        throw argument_error(
            "the identifier \"" + std::string(name) + "\" is longer than " + std::to_string(longest_identifier) +
            " bytes");
    std::string quoted;
    quoted.reserve(name.size() + 2);
    quoted += '"';
    for (const char c : name) {
        if (c == '"')
            quoted += '"';
        quoted += c;
    }
    quoted += '"';
    return quoted;
}

std::string table_name::quoted() const
{
    auto name = quote_identifier(name_);
    return has_schema_ ? quote_identifier(schema_) + "." + name : name;
}

} // namespace tradecore::pg
