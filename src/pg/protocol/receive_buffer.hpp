// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/protocol/message.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

namespace tradecore::pg::protocol {

/// Collects what arrives and cuts it into messages.
///
/// Memory follows what was received, never what a length field announces: a hostile server cannot make
/// it reserve more than twice what it really sends.
class receive_buffer {
public:
    /// How many bytes of a message, type and length, stand before its payload.
    static constexpr std::size_t header = 5;

    /// What a look at the buffer found.
    enum class framing {
        complete,   ///< a message was taken out
        incomplete, ///< more bytes are needed
        malformed,  ///< the length field is impossible; nothing after it can be trusted
    };

    /// @param largest_message the greatest length field that is believed, in bytes.
    explicit receive_buffer(std::size_t largest_message) noexcept : largest_message_(largest_message) {}

    /// Changes the greatest length field that is believed.
    void believe_up_to(std::size_t largest_message) noexcept { largest_message_ = largest_message; }
    /// @returns where to receive into; never empty. Invalidates views of earlier messages.
    [[nodiscard]] std::span<char> space();
    /// Says that the first `count` bytes of `space()` were filled.
    void received(std::size_t count) noexcept { end_ += count; }
    /// Takes the next message out. Its payload is valid until `space()` is called.
    [[nodiscard]] framing next(message& out) noexcept;

private:
    void reserve(std::size_t capacity);

    std::unique_ptr<char[]> data_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::size_t largest_message_;
};

} // namespace tradecore::pg::protocol
