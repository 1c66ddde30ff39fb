// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/error.hpp>

#include <memory>
#include <string>

namespace tradecore::pg::detail {

/// @param what the kind of handle, for the message.
/// @returns what a handle stands for.
/// @throws argument_error when there is nothing: it was default-constructed, or moved from.
template <class Core>
[[nodiscard]] const std::shared_ptr<Core>& opened(const std::shared_ptr<Core>& core, const char* what)
{
    if (!core)
        throw argument_error("this " + std::string(what) + " is not open");
    return core; // NOLINT(bugprone-return-const-ref-from-parameter): the member of a handle, no temporary
}

} // namespace tradecore::pg::detail
