// SPDX-License-Identifier: Apache-2.0
#include "broker/codec.hpp"

#include "domain/event_codec.hpp"

namespace tradecore::app::broker {

domain::encoded_event encode(const event& happened)
{
    return domain::codec_detail::encode_as(happened);
}

event decode(std::string_view type, int schema_version, const boost::json::value& data)
{
    return domain::codec_detail::decode_as<event>(type, schema_version, data);
}

} // namespace tradecore::app::broker
