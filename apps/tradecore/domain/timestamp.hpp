// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tradecore::app::domain {

/// What: an instant, in UTC, to the microsecond.
using timestamp = std::chrono::sys_time<std::chrono::microseconds>;

/// What: text that is not a time; `what()` says why.
class timestamp_syntax : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What: reads YYYY-MM-DD, alone (midnight) or followed by `T` or a space and hh:mm[:ss[.f]] with 1 to 6 fraction
/// digits
///   and an optional zone `Z`, `±hh`, `±hhmm` or `±hh:mm`. Without a zone the time is UTC.
/// Errors: timestamp_syntax with the reason.
/// Source: ISO 8601-1:2019, section 5.4.
timestamp parse_timestamp(std::string_view text);

/// What: YYYY-MM-DDThh:mm:ss.ffffffZ, always with six fraction digits. The year must be 0000 to 9999.
std::string to_text(timestamp at);

} // namespace tradecore::app::domain
