// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/support/wire_values.hpp"

#include <tradecore/pg/type_registry.hpp>

#include <memory>
#include <vector>

namespace tradecore::pg::test {

// As a server numbered them:
//   CREATE TYPE mood AS ENUM ('calm', 'wild thing');
//   CREATE DOMAIN zip AS int; CREATE DOMAIN zip2 AS zip; CREATE DOMAIN numbers AS int[];
//   CREATE TYPE address AS (street text, zip zip2, m mood);
//   CREATE TYPE person AS (name text, home address, others address[]);
inline constexpr oid mood_array = 16'476;
inline constexpr oid mood = 16'477;
inline constexpr oid zip = 16'482;
inline constexpr oid zip2_array = 16'484;
inline constexpr oid zip2 = 16'485;
inline constexpr oid address_array = 16'487;
inline constexpr oid address = 16'488;
inline constexpr oid person = 16'491;
inline constexpr oid numbers_array = 16'500;
inline constexpr oid numbers = 16'501;
inline constexpr oid acl_pair = 16'502;
inline constexpr oid cube = 16'503;
inline constexpr oid boxes = 16'504; // CREATE DOMAIN boxes AS box
inline constexpr oid boxes_array = 16'505;

inline type_info user_type(oid type, type_kind kind, std::string name, oid element = 0)
{
    type_info info;
    info.type = type;
    info.kind = kind;
    info.sends_binary = info.receives_binary = true;
    info.element = element;
    info.schema = "public";
    info.plain_name = name;
    info.name = std::move(name);
    return info;
}

inline std::shared_ptr<const type_set> user_types()
{
    static const auto known = [] {
        using enum type_kind;
        std::vector<type_info> all = {
            user_type(mood_array, array, "mood[]", mood),
            user_type(mood, enumeration, "mood"),
            user_type(zip, domain, "zip", oids::int4),
            user_type(zip2_array, array, "zip2[]", zip2),
            user_type(zip2, domain, "zip2", zip),
            user_type(address_array, array, "address[]", address),
            user_type(address, composite, "address"),
            user_type(person, composite, "person"),
            user_type(numbers_array, array, "numbers[]", numbers),
            user_type(numbers, domain, "numbers", oids::int4_array),
            user_type(acl_pair, composite, "acl_pair"),
            user_type(cube, base, "cube"),
            user_type(boxes, domain, "boxes", oids::box),
            user_type(boxes_array, array, "boxes[]", boxes),
        };
        all[1].labels = {"calm", "wild thing"};
        all[6].attributes = {{"street", oids::text}, {"zip", zip2}, {"m", mood}};
        all[7].attributes = {{"name", oids::text}, {"home", address}, {"others", address_array}};
        all[10].attributes = {{"who", oids::text}, {"acl", oids::aclitem}};
        all[12].delimiter = ';';
        type_registry registry;
        registry.add(std::move(all));
        return registry.known();
    }();
    return known;
}

/// Reads one value of a type that `user_types` or the catalogue has.
template <class T>
T read_user(oid type, const wire_value& value, wire_format format = wire_format::binary)
{
    const auto rows = make_result({{"v", type, -1, format, user_types()}}, {{value}});
    return rows[0][0].as<T>();
}

} // namespace tradecore::pg::test
