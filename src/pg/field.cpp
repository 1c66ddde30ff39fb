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
    std::string text = "column \"" + name() + "\" of type " + sql_type().describe() + " as ";
    text += cpp_type;
    text += ": ";
    text += reason;
    throw type_error(text);
}

void field::refuse_type(std::string_view cpp_type, std::string_view reason) const
{
    std::string text = "column \"" + name() + "\" is of type " + sql_type().describe() + ", which does not go into ";
    text += cpp_type;
    if (reason.empty()) {
        text += remedy(type_);
    }
    else {
        text += ": ";
        text += reason;
    }
    throw type_error(text);
}

} // namespace tradecore::pg
