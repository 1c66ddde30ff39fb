// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/copy_binary.hpp"

#include <tradecore/pg/codec/copy_row_encoder.hpp>
#include <tradecore/pg/error.hpp>
#include <tradecore/pg/type_info.hpp>

#include <string_view>

namespace tradecore::pg::detail {

void copy_row_encoder::begin(std::string& out)
{
    out.append(copy_signature);
    detail::append(out, std::int32_t{0}); // no flags
    detail::append(out, std::int32_t{0}); // no extension of the header
}

void copy_row_encoder::end(std::string& out)
{
    detail::append(out, std::int16_t{-1});
}

void copy_row_encoder::write_scratch(std::string& out, std::size_t column)
{
    const auto& into = (*columns_)[column];
    const type_ref type(into.type, into.known.get());
    const auto format = scratch_.write_value(out, 0, type);
    if (format == wire_format::binary)
        return;
    // An enum's binary form is its text, and citext's is. Of other types that would be wrong or, worse, not noticed.
    if (type.kind() != type_kind::enumeration && !type.is_named("citext"))
        throw argument_error(
            "this value goes into " + type.describe() +
            " as text only, which a binary COPY does not take; pass a value of the type, or send text with "
            "copy_in_stream");
}

void copy_row_encoder::refuse_width(std::size_t count) const
{
    throw argument_error(
        "row " + std::to_string(rows_) + " has " + std::to_string(count) + " values for " +
        std::to_string(columns_->size()) + " columns");
}

void copy_row_encoder::explain(std::size_t column) const
{
    try {
        throw;
    }
    catch (const argument_error& error) {
        std::string_view reason = error.what();
        constexpr std::string_view scratch_position = "argument $1: ";
        if (reason.starts_with(scratch_position))
            reason.remove_prefix(scratch_position.size());
        throw argument_error(
            "row " + std::to_string(rows_) + ", column \"" + (*columns_)[column].name + "\": " + std::string(reason));
    }
}

} // namespace tradecore::pg::detail
