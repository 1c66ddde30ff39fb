// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "domain/events.hpp"

#include <boost/json/value.hpp>

#include <stdexcept>

namespace tradecore::app::domain {

/// What: an event as a store keeps it.
struct encoded_event {
    std::string_view type; ///< lives for ever
    int schema_version = 1;
    boost::json::value data; ///< an object: amounts as decimal text, ids as text, times in UTC with `Z`
};

/// What: stored data that is not an event; `what()` names the event type and the field.
class decode_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What: the stored form of an event.
/// Thread safety: any thread.
encoded_event encode(const event& happened);

/// What: the event of a stored form. Fields it does not know are passed over, so that an older program reads what a
///   newer one wrote; an optional field may be missing or null.
/// Errors: decode_error for an unknown type or version, a missing field, a field of another kind or out of range.
/// Thread safety: any thread.
event decode(std::string_view type, int schema_version, const boost::json::value& data);

} // namespace tradecore::app::domain
