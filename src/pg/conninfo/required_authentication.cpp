// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/authentication_options.hpp>

#include <array>
#include <stdexcept>
#include <utility>

namespace tradecore::pg {

namespace {

constexpr std::array<std::pair<std::string_view, authentication_method>, 6> names{{
    {"none", authentication_method::none},
    {"password", authentication_method::password},
    {"md5", authentication_method::md5},
    {"gss", authentication_method::gss},
    {"sspi", authentication_method::sspi},
    {"scram-sha-256", authentication_method::scram_sha_256},
}};

[[noreturn]] void refuse(std::string_view item, std::string_view reason)
{
    throw std::invalid_argument("require_auth: \"" + std::string(item) + "\" " + std::string(reason));
}

} // namespace

required_authentication required_authentication::parse(std::string_view list)
{
    required_authentication made;
    if (list.empty())
        return made;
    for (bool first = true, last = false; !last; first = false) {
        const auto comma = list.find(',');
        auto item = list.substr(0, comma);
        last = comma == std::string_view::npos;
        if (!last)
            list.remove_prefix(comma + 1);

        const bool negated = item.starts_with('!');
        if (first)
            made.negated_ = negated;
        if (negated != made.negated_)
            refuse(item, "does not go with the others: either all items have an exclamation mark or none has");
        if (negated)
            item.remove_prefix(1);
        std::uint8_t wanted = 0;
        for (const auto& [name, method] : names) {
            if (name == item)
                wanted = bit(method);
        }
        if (wanted == 0)
            refuse(item, "is none of none, password, md5, gss, sspi and scram-sha-256");
        if ((made.methods_ & wanted) != 0)
            refuse(item, "is there twice");
        made.methods_ |= wanted;
    }
    return made;
}

std::string required_authentication::text() const
{
    std::string list;
    for (const auto& [name, method] : names) {
        if ((methods_ & bit(method)) == 0)
            continue;
        if (!list.empty())
            list += ',';
        if (negated_)
            list += '!';
        list += name;
    }
    return list;
}

} // namespace tradecore::pg
