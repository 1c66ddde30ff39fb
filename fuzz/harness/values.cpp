// SPDX-License-Identifier: Apache-2.0
#include "harness/values.hpp"

#include "harness/bytes.hpp"
#include "harness/read_back.hpp"
#include "pg/type_catalogue.hpp"

#include <tradecore/pg/type_names.hpp>

#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>

namespace tradecore::fuzz {

std::span<const reader> readers()
{
    static const auto all = [] {
        std::vector<reader> made;
        add_scalars(made);
        add_values(made);
        add_containers(made);
        add_structures(made);
        return made;
    }();
    return all;
}

std::shared_ptr<const pg::type_set> user_types()
{
    using pg::type_kind;
    using namespace user_oids;
    static const auto made = [] {
        std::vector<std::shared_ptr<const pg::type_info>> types;
        const auto add = [&types](pg::oid type, type_kind kind, std::string name, pg::oid element) {
            pg::type_info info;
            info.type = type;
            info.kind = kind;
            info.sends_binary = info.receives_binary = true;
            info.element = element;
            info.schema = "public";
            info.plain_name = info.name = std::move(name);
            if (type == mood)
                info.labels = {"sad", "ok", "happy"};
            if (type == trade)
                info.attributes = {
                    {"id", pg::oids::int4},         {"symbol", pg::oids::text}, {"price", price},
                    {"tags", pg::oids::text_array}, {"feeling", mood},
                };
            if (type == nested)
                info.attributes = {{"id", pg::oids::int8}, {"trades", trade_array}, {"last", trade}};
            if (type == semicolon)
                info.delimiter = ';';
            types.push_back(std::make_shared<const pg::type_info>(std::move(info)));
        };
        add(mood, type_kind::enumeration, "mood", 0);
        add(mood_array, type_kind::array, "_mood", mood);
        add(trade, type_kind::composite, "trade", 0);
        add(trade_array, type_kind::array, "_trade", trade);
        add(price, type_kind::domain, "price", pg::oids::numeric);
        add(price_array, type_kind::array, "_price", price);
        add(price_range, type_kind::range, "price_range", pg::oids::numeric);
        add(price_multirange, type_kind::multirange, "price_multirange", price_range);
        add(hstore, type_kind::base, "hstore", 0);
        add(ltree, type_kind::base, "ltree", 0);
        add(lquery, type_kind::base, "lquery", 0);
        add(nested, type_kind::composite, "nested", 0);
        add(semicolon, type_kind::base, "semicolon", 0);
        add(semicolon_array, type_kind::array, "_semicolon", semicolon);
        return std::make_shared<const pg::type_set>(nullptr, std::move(types));
    }();
    return made;
}

std::span<const pg::oid> all_types()
{
    static const auto all = [] {
        std::vector<pg::oid> types;
        for (const auto& entry : pg::detail::type_catalogue()) {
            types.push_back(entry.type);
            if (entry.array != 0)
                types.push_back(entry.array);
        }
        for (pg::oid type = user_oids::mood; type <= user_oids::semicolon_array; ++type)
            types.push_back(type);
        std::ranges::sort(types);
        return types;
    }();
    return all;
}

namespace {

// Which of the readers accept a type; asked once.
const std::vector<const reader*>& readers_of(pg::oid type, pg::wire_format format)
{
    static std::map<std::pair<pg::oid, pg::wire_format>, std::vector<const reader*>> known;
    const auto [found, added] = known.try_emplace({type, format});
    if (added) {
        for (const auto& each : readers())
            if (each.accepts({type, user_types().get()}, format))
                found->second.push_back(&each);
    }
    return found->second;
}

} // namespace

void fail_value(std::string_view what, const pg::column& of, std::string_view bytes, const sent& once)
{
    const auto show = [](std::string_view which, std::string_view shown) {
        std::fprintf(stderr, "%.*s:", static_cast<int>(which.size()), which.data());
        for (const char byte : shown.substr(0, 64))
            std::fprintf(stderr, " %02x", static_cast<unsigned>(static_cast<unsigned char>(byte)));
        std::fprintf(stderr, "\n");
    };
    const auto type = pg::type_ref(of.type, of.known.get()).describe();
    std::fprintf(stderr, "%s in %s\n", type.c_str(), of.format == pg::wire_format::text ? "text" : "binary");
    show("came as", bytes);
    show(once.format == pg::wire_format::text ? "sent as text" : "sent as binary", once.bytes);
    fail(what);
}

void read_value(const std::uint8_t* data, std::size_t size, pg::wire_format format)
{
    byte_source input(data, size);
    pg::oid type = input.u16();
    const auto types = all_types();
    if (!std::ranges::binary_search(types, type))
        type = types[type % types.size()];
    const auto which = input.u8();
    pg::column column{.name = "value", .type = type, .type_modifier = -1, .format = format, .known = user_types()};
    // No value has a domain's type: the server says what is beneath.
    column.type = pg::type_ref(type, column.known.get()).base();
    const auto& able = readers_of(column.type, format);
    if (!able.empty())
        able[which % able.size()]->read(column, input.rest());
}

} // namespace tradecore::fuzz
