// SPDX-License-Identifier: Apache-2.0
#include "pg/protocol/receive_buffer.hpp"

#include "pg/protocol/payload_reader.hpp"

#include <algorithm>
#include <cstring>

namespace tradecore::pg::protocol {

namespace {

constexpr std::size_t initial_capacity = std::size_t{16} * 1024;
constexpr std::size_t least_space = std::size_t{4} * 1024;
// A large buffer that one large answer needed is given back once it is empty.
constexpr std::size_t kept_capacity = std::size_t{1024} * 1024;
constexpr std::size_t length_field = 4;

} // namespace

std::span<char> receive_buffer::space()
{
    if (begin_ == end_) {
        begin_ = end_ = 0;
        if (capacity_ > kept_capacity) {
            data_.reset();
            capacity_ = 0;
        }
    }
    if (capacity_ == 0)
        reserve(initial_capacity);
    if (capacity_ - end_ < least_space) {
        if (begin_ > 0) {
            std::memmove(data_.get(), data_.get() + begin_, end_ - begin_);
            end_ -= begin_;
            begin_ = 0;
        }
        if (capacity_ - end_ < least_space)
            reserve(capacity_ * 2);
    }
    return {data_.get() + end_, capacity_ - end_};
}

receive_buffer::framing receive_buffer::next(message& out) noexcept
{
    const std::size_t available = end_ - begin_;
    if (available < header)
        return framing::incomplete;
    const char* at = data_.get() + begin_;
    const std::size_t length = payload_reader({at + 1, length_field}).u32();
    if (length < length_field || length > largest_message_)
        return framing::malformed;
    if (available < length + 1)
        return framing::incomplete;
    out = {static_cast<backend>(*at), {at + header, length - length_field}};
    begin_ += length + 1;
    return framing::complete;
}

void receive_buffer::reserve(std::size_t capacity)
{
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    if (end_ > 0)
        std::memcpy(larger.get(), data_.get(), end_);
    data_ = std::move(larger);
    capacity_ = capacity;
}

} // namespace tradecore::pg::protocol
