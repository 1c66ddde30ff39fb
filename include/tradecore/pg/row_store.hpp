// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/byte_order.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

namespace tradecore::pg::detail {

/// The rows of a result, as they came.
///
/// A row is one record in a block of memory that never moves: for each column the offset of its value, then the
/// payload of its DataRow, where each value has its length before it. Blocks grow from half a KiB to one MiB, so a
/// million rows are copied once and never moved; the first block comes from a small stock of the thread's, so that
/// small results cost no allocation.
///
/// Thread safety: none. May be destroyed on another thread than filled.
class row_store {
public:
    /// A value's bytes; length -1 is NULL.
    struct value {
        const char* data;
        std::int32_t length;
    };

    row_store() = default;
    row_store(row_store&& other) noexcept { swap(other); }
    row_store& operator=(row_store&& other) noexcept
    {
        row_store taken(std::move(other));
        swap(taken);
        return *this;
    }
    row_store(const row_store&) = delete;
    row_store& operator=(const row_store&) = delete;
    ~row_store()
    {
        if (newest_ != nullptr)
            release();
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// The value at (row, column); both must exist.
    [[nodiscard]] value at(std::size_t row, std::size_t column) const noexcept
    {
        const char* const record = rows_[row];
        std::uint32_t offset = 0;
        std::memcpy(&offset, record + column * sizeof(offset), sizeof(offset));
        return {record + offset + sizeof(std::int32_t), load<std::int32_t>(record + offset)};
    }

    /// Appends a DataRow message's payload.
    /// @returns false, and keeps nothing, when it is malformed or has another number of columns.
    [[nodiscard]] bool append(std::string_view payload, std::size_t columns);

private:
    struct block;

    void swap(row_store& other) noexcept
    {
        std::swap(rows_, other.rows_);
        std::swap(size_, other.size_);
        std::swap(room_, other.room_);
        std::swap(newest_, other.newest_);
        std::swap(free_, other.free_);
        std::swap(end_, other.end_);
    }
    char* reserve(std::size_t bytes);
    void grow_rows();
    void release() noexcept;

    const char** rows_ = nullptr; // of few rows in the first block, of more in memory of their own
    std::size_t size_ = 0;
    std::size_t room_ = 0;
    block* newest_ = nullptr; // each leads to the one before it
    char* free_ = nullptr;    // in the newest block
    char* end_ = nullptr;
};

} // namespace tradecore::pg::detail
