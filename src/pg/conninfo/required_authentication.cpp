// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/authentication_options.hpp>

#include <array>
#include <stdexcept>
#include <string>
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

// Names an item by its number: what stands there may be a password, as in "require_auth= password=…".
[[noreturn]] void refuse(int item, std::string_view reason)
{
    throw std::invalid_argument("require_auth: item " + std::to_string(item) + " " + std::string(reason));
}

} // namespace

required_authentication required_authentication::parse(std::string_view list)
{
    required_authentication made;
    if (list.empty())
        return made;
    bool last = false;
    for (int number = 1; !last; ++number) {
        const auto comma = list.find(',');
        auto item = list.substr(0, comma);
        last = comma == std::string_view::npos;
        if (!last)
            list.remove_prefix(comma + 1);

        const bool negated = item.starts_with('!');
        if (number == 1)
            made.negated_ = negated;
        if (negated != made.negated_)
            refuse(number, "does not go with the others: either all items have an exclamation mark or none has");
        if (negated)
            item.remove_prefix(1);
        std::uint8_t wanted = 0;
        for (const auto& [name, method] : names) {
            if (name == item)
                wanted = bit(method);
        }
        if (wanted == 0)
            refuse(number, "is none of none, password, md5, gss, sspi and scram-sha-256");
        if ((made.methods_ & wanted) != 0)
            refuse(number, "is there twice");
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
