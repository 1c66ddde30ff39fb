// SPDX-License-Identifier: Apache-2.0
#include "domain/ids.hpp"

#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <fmt/format.h>

namespace tradecore::app::domain {

namespace {

int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

} // namespace

uuid uuid5(const uuid& space, std::string_view name)
{
    const boost::uuids::name_generator_sha1 generate(space);
    return generate(name.data(), name.size());
}

std::string to_text(const uuid& id)
{
    return boost::uuids::to_string(id);
}

std::optional<uuid> parse_uuid(std::string_view text)
{
    constexpr std::size_t length = 36;
    if (text.size() != length)
        return std::nullopt;
    uuid id{};
    std::size_t byte = 0;
    for (std::size_t at = 0; at < length;) {
        if (at == 8 || at == 13 || at == 18 || at == 23) {
            if (text[at++] != '-')
                return std::nullopt;
            continue;
        }
        const int high = hex_value(text[at]);
        const int low = hex_value(text[at + 1]);
        if (high < 0 || low < 0)
            return std::nullopt;
        id.data[byte++] = static_cast<std::uint8_t>(high * 16 + low);
        at += 2;
    }
    return id;
}

uuid trader_id(std::uint64_t seed, std::uint32_t trader, std::string_view what)
{
    return uuid5(tradecore_namespace, fmt::format("{}/{}/{}", seed, trader, what));
}

uuid step_id(std::uint64_t seed, std::uint32_t trader, std::uint32_t step, std::string_view what)
{
    return uuid5(tradecore_namespace, fmt::format("{}/{}/{}/{}", seed, trader, step, what));
}

trader_ids trader_ids::of(std::uint64_t seed, std::uint32_t trader)
{
    return {trader_id(seed, trader, "user"), trader_id(seed, trader, "account"), trader_id(seed, trader, "connection")};
}

} // namespace tradecore::app::domain
