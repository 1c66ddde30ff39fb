// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/field.hpp>
#include <tradecore/pg/type_names.hpp>

namespace tradecore::pg {

namespace {

std::string_view remedy(oid type)
{
    if (type == oids::timestamp) {
        return "; it has no time zone, say which one with AT TIME ZONE";
    }
    if (type >= first_user_oid) {
        return "; cast it to a built-in type in the SQL, such as text";
    }
    return "";
}

} // namespace

void field::refuse(std::string_view cpp_type, std::string_view reason) const
{
    std::string text = "column \"" + name() + "\" of type " + type_name(type_) + " as ";
    text += cpp_type;
    text += ": ";
    text += reason;
    throw type_error(text);
}

void field::refuse_type(std::string_view cpp_type) const
{
    std::string text = "column \"" + name() + "\" is of type " + type_name(type_) + ", which does not go into ";
    text += cpp_type;
    text += remedy(type_);
    throw type_error(text);
}

} // namespace tradecore::pg
