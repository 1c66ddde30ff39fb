// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/type_names.hpp>
#include <tradecore/pg/type_registry.hpp>

#include <algorithm>
#include <utility>

namespace tradecore::pg {

namespace {

constexpr int most_levels = 64;

// Keeps the types whose parts are all kept, from those without parts upwards: what is left over after so many rounds
// is made of itself, or too deep.
std::vector<std::shared_ptr<const type_info>> without_circles(const type_set& all)
{
    std::set<oid> kept;
    std::vector<std::shared_ptr<const type_info>> left(all.types().begin(), all.types().end());
    std::vector<std::shared_ptr<const type_info>> taken;
    const auto is_settled = [&](oid part) { return part == 0 || all.find(part) == nullptr || kept.contains(part); };
    for (int level = 0; level < most_levels && !left.empty(); ++level) {
        const auto rest = std::ranges::partition(left, [&](const std::shared_ptr<const type_info>& one) {
            return !(
                is_settled(one->element) &&
                std::ranges::all_of(one->attributes, is_settled, &type_info::attribute::type));
        });
        if (rest.empty()) {
            break;
        }
        for (const auto& one : rest) {
            taken.push_back(one);
        }
        left.erase(rest.begin(), rest.end());
        for (const auto& one : taken) {
            kept.insert(one->type);
        }
    }
    return taken;
}

} // namespace

void type_registry::ask_binary(std::string plain_name)
{
    const std::lock_guard lock(mutex_);
    binary_.insert(std::move(plain_name));
}

std::shared_ptr<const type_set> type_registry::known() const
{
    const std::lock_guard lock(mutex_);
    return known_;
}

void type_registry::add(std::vector<type_info> types)
{
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<const type_info>> added;
    added.reserve(types.size());
    for (auto& one : types) {
        if (one.kind == type_kind::base && !binary_.contains(one.plain_name)) {
            one.sends_binary = false;
        }
        added.push_back(std::make_shared<const type_info>(std::move(one)));
    }
    known_ = std::make_shared<const type_set>(nullptr, without_circles(type_set(known_.get(), std::move(added))));
}

void type_registry::forget()
{
    const std::lock_guard lock(mutex_);
    known_ = std::make_shared<const type_set>();
}

} // namespace tradecore::pg
