// SPDX-License-Identifier: Apache-2.0
#include "pg/type_catalogue.hpp"

#include <tradecore/pg/type_names.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace tradecore::pg {

namespace {

// Array type and element type, sorted by the former.
const std::vector<std::pair<oid, oid>>& elements()
{
    static const auto sorted = [] {
        std::vector<std::pair<oid, oid>> pairs;
        for (const auto& entry : detail::type_catalogue()) {
            if (entry.kind == type_kind::array) {
                pairs.emplace_back(entry.type, entry.element);
            }
            if (entry.array != 0) {
                pairs.emplace_back(entry.array, entry.type);
            }
        }
        std::sort(pairs.begin(), pairs.end());
        return pairs;
    }();
    return sorted;
}

} // namespace

const detail::type_entry* detail::find_type(oid type) noexcept
{
    const auto all = type_catalogue();
    const auto found = std::ranges::lower_bound(all, type, {}, &type_entry::type);
    return found != all.end() && found->type == type ? &*found : nullptr;
}

std::string type_name(oid type)
{
    if (const auto* const entry = detail::find_type(type)) {
        return std::string(entry->name);
    }
    if (const oid element = array_element(type)) {
        return type_name(element) + "[]";
    }
    return "type " + std::to_string(type);
}

oid array_element(oid type) noexcept
{
    const auto& all = elements();
    const auto found = std::lower_bound(all.begin(), all.end(), std::pair<oid, oid>(type, 0));
    return found != all.end() && found->first == type ? found->second : 0;
}

oid array_of(oid type) noexcept
{
    const auto* const entry = detail::find_type(type);
    return entry != nullptr ? entry->array : 0;
}

} // namespace tradecore::pg
