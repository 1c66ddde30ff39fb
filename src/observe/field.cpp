// SPDX-License-Identifier: Apache-2.0
#include <tradecore/observe/field.hpp>

#include <fmt/format.h>

namespace tradecore::observe {

std::string field::text() const
{
    return std::visit([](const auto& value) { return fmt::format("{}", value); }, value_);
}

} // namespace tradecore::observe
