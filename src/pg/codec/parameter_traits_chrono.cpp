// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/codec/parameter_traits_chrono.hpp>
#include <tradecore/pg/types/interval.hpp>

namespace tradecore::pg::detail {

void append_date(std::chrono::sys_days value, parameter_writer& to)
{
    const auto wire = date_to_wire(value);
    if (!wire) {
        to.refuse("the date is beyond the server's range");
    }
    to.append(*wire);
}

void append_timestamp(std::chrono::local_time<std::chrono::microseconds> value, parameter_writer& to)
{
    const auto wire = timestamp_to_wire(value);
    if (!wire) {
        to.refuse("the time is beyond the server's range");
    }
    to.append(*wire);
}

void append_interval(std::chrono::microseconds value, parameter_writer& to)
{
    value_codec<interval>::to_wire({.time = value}, to);
}

} // namespace tradecore::pg::detail
