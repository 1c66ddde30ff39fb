// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/natural_reader.hpp"

#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/codec/range_traits.hpp>

#include <cstring>

namespace tradecore::pg::detail {

namespace {

template <class T>
T take(std::string_view& bytes)
{
    const auto value = load<T>(bytes);
    bytes.remove_prefix(sizeof(T));
    return value;
}

std::string_view take_bytes(std::string_view& bytes, std::int32_t length)
{
    const auto taken = bytes.substr(0, length > 0 ? static_cast<std::size_t>(length) : 0);
    bytes.remove_prefix(taken.size());
    return taken;
}

} // namespace

natural_array::natural_array(const natural_value& array)
    : position_(array.position), element_(0), count_(0), rest_(array.bytes)
{
    element_ = take<oid>(rest_);
    const auto rank = take<std::int32_t>(rest_);
    count_ = rank == 0 ? 0 : 1;
    for (std::int32_t i = 0; i < rank; ++i) {
        const auto size = take<std::int32_t>(rest_);
        const auto lower_bound = take<std::int32_t>(rest_);
        dimensions_.push_back({size, lower_bound});
        count_ *= static_cast<std::size_t>(size);
    }
}

std::optional<natural_value> natural_array::next()
{
    const auto length = take<std::int32_t>(rest_);
    if (length < 0) {
        return std::nullopt;
    }
    return natural_value{position_, element_, take_bytes(rest_, length)};
}

bool natural_array::has_null() const noexcept
{
    for (auto rest = rest_; !rest.empty();) {
        const auto length = take<std::int32_t>(rest);
        if (length < 0) {
            return true;
        }
        rest.remove_prefix(static_cast<std::size_t>(length));
    }
    return false;
}

const natural::shape& take_shape(std::string_view& bytes)
{
    const natural::shape* shape = nullptr;
    std::memcpy(static_cast<void*>(&shape), bytes.data(), sizeof(const natural::shape*));
    bytes.remove_prefix(sizeof(const natural::shape*));
    return *shape;
}

natural_value take_member(std::string_view& rest, std::size_t position)
{
    const auto type = take<oid>(rest);
    const auto length = take<std::int32_t>(rest);
    return {position, type, take_bytes(rest, length)};
}

natural_range read_range(const natural_value& value)
{
    auto rest = value.bytes;
    natural_range range;
    range.element = value.type == natural::range ? take<oid>(rest) : type_ref(value.type).element().id();
    range.flags = static_cast<std::uint8_t>(take<std::int8_t>(rest));
    if ((range.flags & range_empty) != 0) {
        return range;
    }
    const auto take_bound = [&](std::uint8_t unbounded) {
        if ((range.flags & unbounded) != 0) {
            return std::optional<natural_value>();
        }
        const auto length = take<std::int32_t>(rest);
        return std::optional(natural_value{value.position, range.element, take_bytes(rest, length)});
    };
    range.lower = take_bound(range_lower_unbounded);
    range.upper = take_bound(range_upper_unbounded);
    return range;
}

natural_pair split_dual(const natural_value& value)
{
    auto rest = value.bytes;
    const auto type = take<oid>(rest);
    const auto length = take<std::int32_t>(rest);
    const auto json = take_bytes(rest, length);
    return {{value.position, type, rest}, length < 0 ? std::nullopt : std::optional(json)};
}

} // namespace tradecore::pg::detail
