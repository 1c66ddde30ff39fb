// SPDX-License-Identifier: Apache-2.0
#include <tradecore/db/health.hpp>
#include <tradecore/observe/utf8.hpp>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include <string_view>

namespace tradecore {
namespace json = boost::json;
namespace {

json::value text_or_null(const std::string& text)
{
    return text.empty() ? json::value(nullptr) : json::value(observe::valid_utf8(text));
}

} // namespace

json::object to_json(const database_health& health)
{
    const auto& pool = health.pool_info;
    return {
        {"name", observe::valid_utf8(health.name)},
        {"reachable", health.reachable},
        {"latency_ms", static_cast<double>(health.latency.count()) / 1000.0},
        {"server_version", text_or_null(health.server_version)},
        {"role", text_or_null(health.role)},
        {"error", text_or_null(health.error)},
        {"breaker", health.breaker ? json::value(to_string(*health.breaker)) : json::value(nullptr)},
        {"pool_info", json::object{
                          {"size", pool.size},
                          {"min_size", pool.minimum},
                          {"max_size", pool.maximum},
                          {"active", pool.active},
                          {"idle", pool.idle},
                          {"waiting", pool.waiting},
                          {"connecting", pool.connecting}}}};
}

std::string to_json_text(const database_health& health)
{
    std::string text;
    for (const auto& [key, value] : to_json(health)) {
        const auto* const number = value.if_double();
        const auto written = number != nullptr ? fmt::format("{}", *number) : json::serialize(value);
        text += fmt::format("{}\"{}\":{}", text.empty() ? '{' : ',', std::string_view(key), written);
    }
    return text + '}';
}

} // namespace tradecore
