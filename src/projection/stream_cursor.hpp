// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tradecore::projection {

/// What `proj.stream.state` says.
enum class stream_state { ok, parked, dead };

/// @throws std::invalid_argument when it is none of the three.
[[nodiscard]] stream_state parse_stream_state(std::string_view text);

/// How far one stream has been applied, as its row in proj.stream says.
struct stream_cursor {
    std::string stream;
    std::int64_t applied = 0;
    stream_state state = stream_state::ok;
};

} // namespace tradecore::projection
