// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "harness/bytes.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tradecore::fuzz {

/// @returns the server's next message, framed; empty at the end of the input.
///
/// The input is a list of: type, size of the payload in two bytes, payload. Whatever the bytes are, framed messages of
/// known types come out, so that what is behind the framing is reached: an unknown type stands for a known one, and a
/// type of 0x80 and above for a whole message from a list of usual ones.
[[nodiscard]] std::string next_message(byte_source& input);

/// @returns all messages of the input, one behind the other.
[[nodiscard]] std::string all_messages(byte_source& input);

/// Takes apart what a client sends; `first` is the start-up message, which has no type.
/// @returns the messages' types, ' ' for the start-up's; fails when the bytes are not whole messages.
[[nodiscard]] std::string types_of_client_messages(std::string_view bytes, bool first = false);

} // namespace tradecore::fuzz
