// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pg/protocol/message.hpp"

#include <tradecore/pg/byte_order.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
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
    void received(std::size_t count) noexcept
    {
        end_ += count;
        last_ = count;
        filled_ = end_ == capacity_;
    }
    /// Takes the next message out. Its payload is valid until `space()` is called.
    [[nodiscard]] framing next(message& out) noexcept
    {
        constexpr std::size_t length_field = 4;
        const std::size_t available = end_ - begin_;
        if (available < header)
            return framing::incomplete;
        const char* const at = data_.get() + begin_;
        const std::size_t length = pg::detail::load<std::uint32_t>(at + 1);
        if (length < length_field || length > largest_message_)
            return framing::malformed;
        if (available < length + 1)
            return framing::incomplete;
        out = {static_cast<backend>(*at), {at + header, length - length_field}};
        begin_ += length + 1;
        return framing::complete;
    }

private:
    void reserve(std::size_t capacity);

    struct freed {
        void operator()(char* memory) const noexcept { std::free(memory); } // NOLINT(cppcoreguidelines-no-malloc)
    };

    std::unique_ptr<char, freed> data_;
    std::size_t capacity_ = 0;
    std::size_t last_ = 0; // how much came the last time
    bool filled_ = false;  // and whether there was no room for more
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::size_t largest_message_;
};

} // namespace tradecore::pg::protocol
