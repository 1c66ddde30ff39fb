// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/codec.hpp"

#include <tradecore/events/event.hpp>

namespace tradecore::app::readmodel {

/// What: the main system's event. Errors: domain::decode_error.
inline domain::event decode_main(const events::recorded_event& recorded)
{
    return domain::decode(recorded.type, recorded.schema_version, recorded.data);
}

} // namespace tradecore::app::readmodel
