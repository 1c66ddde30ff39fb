// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/events.hpp"
#include "domain/codec.hpp"

namespace tradecore::app::broker {

/// What: the stored form of a broker event; see domain::encode.
domain::encoded_event encode(const event& happened);

/// What: the broker event of a stored form; see domain::decode. Errors: domain::decode_error.
event decode(std::string_view type, int schema_version, const boost::json::value& data);

} // namespace tradecore::app::broker
