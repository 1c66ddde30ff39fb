// SPDX-License-Identifier: Apache-2.0
#include "pg/engine/type_contradictions.hpp"

#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/field.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tradecore::pg::engine {

bool is_unknown(oid type, const type_set* known) noexcept
{
    return type != 0 && !type_ref(type, known).is_known();
}

bool tells_types(type_ref type) noexcept
{
    const auto base = type.base();
    switch (base.kind()) {
    case type_kind::composite:
        return true;
    case type_kind::array:
        return tells_types(base.element());
    default:
        return base == oids::record;
    }
}

namespace {

/// Walks through a value that tells its types, as far as it is well-formed: what is not will be said when it is read.
class type_checker {
public:
    explicit type_checker(std::set<oid>& found) : found_(&found) {}

    void check(type_ref type, std::string_view bytes, std::size_t depth)
    {
        const auto base = type.base();
        if (depth == detail::max_nesting || !tells_types(base))
            return;
        if (base.kind() == type_kind::array)
            check_array(base, bytes, depth);
        else
            check_record(base, bytes, depth);
    }

private:
    template <class T>
    static std::optional<T> take(std::string_view& bytes)
    {
        if (bytes.size() < sizeof(T))
            return std::nullopt;
        const auto value = detail::load<T>(bytes);
        bytes.remove_prefix(sizeof(T));
        return value;
    }

    static std::optional<std::string_view> take_value(std::string_view& bytes)
    {
        const auto length = take<std::int32_t>(bytes);
        if (!length || *length > static_cast<std::int64_t>(bytes.size()))
            return std::nullopt;
        const auto value = bytes.substr(0, *length > 0 ? static_cast<std::size_t>(*length) : 0);
        bytes.remove_prefix(value.size());
        return value;
    }

    void check_array(type_ref array, std::string_view bytes, std::size_t depth)
    {
        const auto rank = take<std::int32_t>(bytes);
        if (!rank || *rank < 0 || *rank > 6 || bytes.size() < 8 + static_cast<std::size_t>(*rank) * 8)
            return;
        bytes.remove_prefix(8 + static_cast<std::size_t>(*rank) * 8);
        while (!bytes.empty()) {
            const auto value = take_value(bytes);
            if (!value)
                return;
            if (!value->empty())
                check(array.element(), *value, depth + 1);
        }
    }

    void check_record(type_ref record, std::string_view bytes, std::size_t depth)
    {
        const auto attributes = record.attributes();
        const bool anonymous = record == oids::record;
        const auto count = take<std::int32_t>(bytes);
        if (!anonymous && count && static_cast<std::size_t>(*count) != attributes.size())
            found_->insert(record.id());
        for (std::size_t i = 0; !bytes.empty(); ++i) {
            const auto type = take<oid>(bytes);
            const auto value = type ? take_value(bytes) : std::nullopt;
            if (!value)
                return;
            if (is_unknown(*type, record.known()))
                found_->insert(*type);
            else if (!anonymous && i < attributes.size() && attributes[i].type != *type)
                found_->insert(record.id());
            if (!value->empty())
                check({*type, record.known()}, *value, depth + 1);
        }
    }

    std::set<oid>* found_;
};

} // namespace

std::set<oid> contradictions(const result& rows, const type_set* known)
{
    std::set<oid> found;
    type_checker checker(found);
    const auto& columns = rows.columns();
    for (std::size_t column = 0; column < columns.size(); ++column) {
        const type_ref type(columns[column].type, known);
        if (columns[column].format != wire_format::binary || !tells_types(type))
            continue;
        for (std::size_t row = 0; row < rows.size(); ++row)
            checker.check(type, rows.at(row, column).bytes(), 0);
    }
    return found;
}

} // namespace tradecore::pg::engine
