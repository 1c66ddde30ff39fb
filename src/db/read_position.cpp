// SPDX-License-Identifier: Apache-2.0
#include "db/read_position.hpp"

#include <charconv>
#include <string>

namespace tradecore::detail {
namespace {

template <class T>
bool take_number(std::string_view& text, T& value)
{
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc())
        return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

bool take_slash(std::string_view& text)
{
    if (!text.starts_with('/'))
        return false;
    text.remove_prefix(1);
    return true;
}

} // namespace

std::optional<log_position> position_in(const pg::result& answer)
{
    if (answer.size() != 1 || answer.columns().size() != 1 || answer.at(0, 0).is_null())
        return std::nullopt;
    const auto said = answer.at(0, 0).as<std::string>();
    std::string_view rest = said;
    log_position found;
    // A part that is NULL is missing, and what stands in its place is not what it seems: all three, or nothing.
    const bool is_whole = take_number(rest, found.location) && take_slash(rest) && take_number(rest, found.timeline) &&
                          take_slash(rest) && take_number(rest, found.cluster) && rest.empty();
    return is_whole ? std::optional(found) : std::nullopt;
}

} // namespace tradecore::detail
