// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/vocabulary.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace tradecore::pg::detail {

/// Appends the text form of a value that is no array, from its natural bytes, as the server's input reads it.
/// @param limit stop soon after so many bytes, for logs.
void append_scalar_text(std::string& out, oid type, std::string_view bytes, std::size_t limit);

} // namespace tradecore::pg::detail
