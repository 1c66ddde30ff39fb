// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

/// The schema files of `database/`, built into the program.
namespace tradecore::app::simulate::schema_texts {

extern const std::string_view event_store;
extern const std::string_view projection;
extern const std::string_view tradecore;
extern const std::string_view tradecore_vb;

} // namespace tradecore::app::simulate::schema_texts
