// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/range_traits.hpp>
#include <tradecore/pg/types/multirange.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tradecore::pg {

namespace detail {

/// @returns the built-in type of multiranges of such ranges; 0 when there is none.
constexpr oid multirange_of(oid range) noexcept
{
    switch (range) {
    case oids::int4range:
        return oids::int4multirange;
    case oids::int8range:
        return oids::int8multirange;
    case oids::numrange:
        return oids::nummultirange;
    case oids::daterange:
        return oids::datemultirange;
    case oids::tsrange:
        return oids::tsmultirange;
    case oids::tstzrange:
        return oids::tstzmultirange;
    default:
        return 0;
    }
}

} // namespace detail

template <class T>
    requires decodable<range<T>>
struct field_traits<multirange<T>> {
    static std::string name() { return "tradecore::pg::multirange<" + field_traits<T>::name() + ">"; }
    static bool accepts(const type_ref& type, wire_format format)
    {
        return type.kind() == type_kind::multirange && field_traits<range<T>>::accepts(type.element(), format);
    }
    static multirange<T> decode(const field& from)
    {
        std::vector<range<T>> ranges;
        detail::multirange_reader reader(from, "tradecore::pg::multirange");
        while (reader.next()) {
            ranges.push_back(reader.element().template decode<range<T>>());
        }
        return multirange<T>(std::move(ranges));
    }
};

template <class T>
    requires detail::has_built_in_range<T>
struct parameter_traits<multirange<T>> {
    static constexpr oid type = detail::multirange_of(parameter_traits<range<T>>::type);
    static void encode(const multirange<T>& value, parameter_writer& to)
    {
        to.append(static_cast<std::int32_t>(value.ranges().size()));
        for (const auto& part : value.ranges()) {
            detail::append_converted_part(part, to);
        }
    }
};

/// @returns "{[1,3),[5,7)}", as the server prints it.
template <class T>
[[nodiscard]] std::string to_string(const multirange<T>& value)
{
    return detail::natural_text_of(value);
}

} // namespace tradecore::pg
