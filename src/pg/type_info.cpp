// SPDX-License-Identifier: Apache-2.0
#include "pg/type_catalogue.hpp"

#include <tradecore/pg/type_info.hpp>
#include <tradecore/pg/type_names.hpp>

#include <algorithm>
#include <map>
#include <new>

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

/// Looks whether a type and all its parts go in binary, at each composite once: one of them may repeat another in
/// each of its attributes, and that one a third.
class binary_parts {
public:
    explicit binary_parts(bool to_server) noexcept : to_server_(to_server) {}

    bool all_binary(type_ref type, std::size_t depth = 0)
    {
        if (depth == max_depth) {
            return false;
        }
        if (const auto* const entry = detail::find_type(type)) {
            return to_server_ ? entry->receives_binary : entry->sends_binary;
        }
        const auto* const known = type.known() == nullptr ? nullptr : type.known()->find(type);
        if (known != nullptr && !(to_server_ ? known->receives_binary : known->sends_binary)) {
            return false;
        }
        if (known != nullptr && known->kind == type_kind::composite) {
            // False while its attributes are looked at: a composite inside itself ends there.
            const auto [found, first_time] = composites_.try_emplace(type, false);
            if (first_time) {
                found->second = std::ranges::all_of(known->attributes, [&](const type_info::attribute& one) {
                    return all_binary({one.type, type.known()}, depth + 1);
                });
            }
            return found->second;
        }
        const auto part = type.element();
        return part.id() == 0 ? known != nullptr : all_binary(part, depth + 1);
    }

private:
    std::map<oid, bool> composites_;
    bool to_server_;
};

bool all_binary(type_ref type, bool to_server) noexcept
{
    try {
        return binary_parts(to_server).all_binary(type);
    }
    catch (const std::bad_alloc&) {
        return false; // in text it goes always
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
    return all_binary(*this, false);
}

bool type_ref::receives_binary() const noexcept
{
    return all_binary(*this, true);
}

} // namespace tradecore::pg
