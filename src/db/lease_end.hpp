// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "db/outcome.hpp"

#include <tradecore/db/pool.hpp>

#include <exception>

namespace tradecore::detail {

/// Closes what a call has found broken (class XX) instead of giving it back.
/// @param error of the call; null for none.
inline void discard_if_broken(lease& on, const std::exception_ptr& error)
{
    if (error && meaning_of(error, {}).spoils_session)
        on.discard();
}

} // namespace tradecore::detail
