// SPDX-License-Identifier: Apache-2.0
#include "pg/protocol/receive_buffer.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace tradecore::pg::protocol {

namespace {

// What an idle connection has. The server sends in pieces of this size.
constexpr std::size_t idle_capacity = std::size_t{8} * 1024;
// What is read into in one go while much comes.
constexpr std::size_t busy_capacity = std::size_t{128} * 1024;
constexpr std::size_t least_space = std::size_t{4} * 1024;

} // namespace

std::span<char> receive_buffer::space()
{
    if (begin_ == end_) {
        begin_ = end_ = 0;
        // What one large answer needed is given back once only little comes.
        if (capacity_ > busy_capacity || (capacity_ > idle_capacity && last_ < idle_capacity / 2)) {
            data_.reset();
            capacity_ = 0;
        }
    }
    if (capacity_ == 0)
        reserve(idle_capacity);
    if (filled_ && capacity_ < busy_capacity)
        reserve(std::min(capacity_ * 4, busy_capacity));
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

void receive_buffer::reserve(std::size_t capacity)
{
    // realloc, for a message of hundreds of megabytes: the system moves its pages, and no byte is copied.
    char* const smaller = data_.release();
    // NOLINTNEXTLINE(cppcoreguidelines-no-malloc)
    void* const larger = std::realloc(smaller, capacity);
    data_.reset(larger == nullptr ? smaller : static_cast<char*>(larger));
    if (larger == nullptr)
        throw std::bad_alloc();
    capacity_ = capacity;
}

} // namespace tradecore::pg::protocol
