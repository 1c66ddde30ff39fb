// SPDX-License-Identifier: Apache-2.0
#include "pg/type_catalogue.hpp"

#include <tradecore/pg/type_info.hpp>
#include <tradecore/pg/type_names.hpp>

#include <algorithm>
#include <map>

namespace tradecore::pg {

namespace {

// Chains of domains and types inside types end on every real server; a hostile one may answer in circles.
constexpr std::size_t max_depth = 64;

constexpr oid id_of(const std::shared_ptr<const type_info>& info) noexcept
{
    return info->type;
}

std::string_view word_of(type_kind kind) noexcept
{
    switch (kind) {
    case type_kind::enumeration:
        return "enum ";
    case type_kind::composite:
        return "composite ";
    case type_kind::domain:
        return "domain ";
    case type_kind::range:
        return "range ";
    case type_kind::multirange:
        return "multirange ";
    default:
        return "";
    }
}

} // namespace

type_set::type_set(const type_set* before, std::vector<std::shared_ptr<const type_info>> types)
{
    std::map<oid, std::shared_ptr<const type_info>> all;
    for (auto& one : types) {
        const auto id = one->type;
        all.insert_or_assign(id, std::move(one));
    }
    if (before != nullptr) {
        for (const auto& one : before->types_) {
            all.emplace(one->type, one);
        }
    }
    types_.reserve(all.size());
    for (auto& [id, one] : all) {
        types_.push_back(std::move(one));
    }
}

const type_info* type_set::find(oid type) const noexcept
{
    const auto found = std::ranges::lower_bound(types_, type, {}, id_of);
    return found != types_.end() && (*found)->type == type ? found->get() : nullptr;
}

type_kind type_ref::kind() const noexcept
{
    if (const auto* const entry = detail::find_type(type_)) {
        return entry->kind;
    }
    if (const auto* const known = info()) {
        return known->kind;
    }
    return array_element(type_) != 0 ? type_kind::array : type_kind::unknown;
}

type_ref type_ref::element() const noexcept
{
    if (const auto* const entry = detail::find_type(type_)) {
        return {entry->element, known_};
    }
    if (const auto* const known = info()) {
        return {known->element, known_};
    }
    return {array_element(type_), known_};
}

type_ref type_ref::base() const noexcept
{
    type_ref at = *this;
    for (std::size_t depth = 0; at.kind() == type_kind::domain; ++depth) {
        if (depth == max_depth) {
            return {0, known_};
        }
        at = at.element();
    }
    return at;
}

std::string_view type_ref::plain_name() const noexcept
{
    if (const auto* const entry = detail::find_type(type_)) {
        return entry->name;
    }
    const auto* const known = info();
    return known == nullptr ? std::string_view() : std::string_view(known->plain_name);
}

bool type_ref::is_named(std::string_view plain_name) const noexcept
{
    const auto* const known = detail::find_type(type_) != nullptr ? nullptr : info();
    return known != nullptr && known->plain_name == plain_name;
}

bool type_ref::is_built_in() const noexcept
{
    return detail::find_type(type_) != nullptr || array_element(type_) != 0;
}

std::string type_ref::describe() const
{
    const auto* const known = detail::find_type(type_) != nullptr ? nullptr : info();
    return known == nullptr ? type_name(type_) : std::string(word_of(known->kind)) + known->name;
}

std::span<const type_info::attribute> type_ref::attributes() const noexcept
{
    const auto* const known = info();
    return known == nullptr ? std::span<const type_info::attribute>() : known->attributes;
}

std::span<const std::string> type_ref::labels() const noexcept
{
    const auto* const known = info();
    return known == nullptr ? std::span<const std::string>() : known->labels;
}

char type_ref::delimiter() const noexcept
{
    if (const auto* const entry = detail::find_type(type_)) {
        return entry->delimiter;
    }
    const auto* const known = info();
    return known == nullptr ? ',' : known->delimiter;
}

bool type_ref::sends_binary() const noexcept
{
    return goes_binary(false, 0);
}

bool type_ref::receives_binary() const noexcept
{
    return goes_binary(true, 0);
}

bool type_ref::goes_binary(bool to_server, std::size_t depth) const noexcept
{
    if (depth == max_depth) {
        return false;
    }
    if (const auto* const entry = detail::find_type(type_)) {
        return to_server ? entry->receives_binary : entry->sends_binary;
    }
    const auto* const known = info();
    if (known != nullptr && !(to_server ? known->receives_binary : known->sends_binary)) {
        return false;
    }
    if (known != nullptr && known->kind == type_kind::composite) {
        return std::ranges::all_of(known->attributes, [&](const type_info::attribute& one) {
            return type_ref(one.type, known_).goes_binary(to_server, depth + 1);
        });
    }
    const auto part = element();
    return part.id() == 0 ? known != nullptr : part.goes_binary(to_server, depth + 1);
}

} // namespace tradecore::pg
