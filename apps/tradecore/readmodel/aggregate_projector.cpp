// SPDX-License-Identifier: Apache-2.0
#include "readmodel/aggregate_projector.hpp"

#include <fmt/format.h>

namespace tradecore::app::readmodel {

missing_row::missing_row(std::string_view table, const domain::uuid& key, std::string_view event_type)
    : std::runtime_error(fmt::format("{} has no row {} for {}", table, domain::to_text(key), event_type))
{}

} // namespace tradecore::app::readmodel
