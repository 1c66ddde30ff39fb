// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/row_store.hpp>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace tradecore::pg::detail {

struct row_store::block {
    block* before;
    std::size_t bytes; // this header included
};

namespace {

constexpr std::size_t first_block = 512;
constexpr std::size_t largest_block = std::size_t{1} << 20U;
constexpr std::size_t growth = 4;
constexpr std::size_t first_rows = 8;

// A stock of first blocks. Without it every small result costs a call of malloc and free, a tenth of what a pipelined
// query takes in all. The sanitizer has to see each of them, so it gets no stock.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TRADECORE_ROW_STORE_STOCK 0
#endif
#endif
#ifndef TRADECORE_ROW_STORE_STOCK
#define TRADECORE_ROW_STORE_STOCK 64
#endif
constexpr unsigned most_in_stock = TRADECORE_ROW_STORE_STOCK;

struct stocked {
    stocked* next;
};

// Plain values, which can be used however late in a thread's end a result is destroyed.
constinit thread_local stocked* stock = nullptr;
constinit thread_local unsigned in_stock = 0;

/// Empties the stock at the thread's end, and lets nothing in afterwards.
struct stock_taker {
    stock_taker() = default;
    stock_taker(const stock_taker&) = delete;
    stock_taker& operator=(const stock_taker&) = delete;
    stock_taker(stock_taker&&) = delete;
    stock_taker& operator=(stock_taker&&) = delete;
    ~stock_taker()
    {
        while (stock != nullptr)
            ::operator delete(std::exchange(stock, stock->next));
        in_stock = most_in_stock;
    }
    void begin() const noexcept {}
};

void* take_first_block()
{
    if (stock == nullptr)
        return ::operator new(first_block);
    --in_stock;
    return std::exchange(stock, stock->next);
}

void give_first_block(void* memory) noexcept
{
    if (in_stock >= most_in_stock) {
        ::operator delete(memory);
        return;
    }
    if (in_stock == 0) {
        thread_local const stock_taker taker;
        taker.begin();
    }
    stock = ::new (memory) stocked{stock};
    ++in_stock;
}

} // namespace

void row_store::release() noexcept
{
    if (room_ > first_rows)
        std::free(static_cast<void*>(rows_)); // NOLINT(cppcoreguidelines-no-malloc): as it was got
    while (newest_ != nullptr) {
        auto* const released = std::exchange(newest_, newest_->before);
        if (released->bytes == first_block)
            give_first_block(released);
        else
            ::operator delete(released);
    }
}

void row_store::grow_rows()
{
    if (room_ == 0) {
        void* const table = reserve(first_rows * sizeof(*rows_));
        rows_ = static_cast<const char**>(table);
        room_ = first_rows;
        free_ += first_rows * sizeof(*rows_);
        return;
    }
    // realloc, for it moves the pages of a large table instead of its bytes.
    const bool own = room_ > first_rows;
    // NOLINTNEXTLINE(cppcoreguidelines-no-malloc)
    void* const larger = std::realloc(own ? static_cast<void*>(rows_) : nullptr, 2 * room_ * sizeof(*rows_));
    if (larger == nullptr)
        throw std::bad_alloc();
    if (!own)
        std::memcpy(larger, static_cast<const void*>(rows_), size_ * sizeof(*rows_));
    rows_ = static_cast<const char**>(larger);
    room_ *= 2;
}

char* row_store::reserve(std::size_t bytes)
{
    if (static_cast<std::size_t>(end_ - free_) >= bytes)
        return free_;
    const auto needed = bytes + sizeof(block);
    const auto wanted = newest_ == nullptr ? first_block : std::min(newest_->bytes * growth, largest_block);
    const auto size = std::max(wanted, needed);
    void* const memory = size == first_block ? take_first_block() : ::operator new(size);
    newest_ = ::new (memory) block{newest_, size};
    free_ = static_cast<char*>(memory) + sizeof(block);
    end_ = static_cast<char*>(memory) + size;
    return free_;
}

bool row_store::append(std::string_view payload, std::size_t columns)
{
    constexpr std::size_t count_bytes = sizeof(std::uint16_t);
    constexpr std::size_t length_bytes = sizeof(std::int32_t);
    if (payload.size() < count_bytes + columns * length_bytes || load<std::uint16_t>(payload) != columns)
        return false;
    if (size_ == room_)
        grow_rows();
    const std::string_view values = payload.substr(count_bytes);
    const std::size_t table = columns * sizeof(std::uint32_t);
    char* const record = reserve(std::max<std::size_t>(table + values.size(), 1));
    // The payload is at most 1 GiB long and the table 256 KiB: their sum fits.
    std::size_t at = 0;
    for (std::size_t i = 0; i < columns; ++i) {
        if (values.size() - at < length_bytes)
            return false;
        const auto offset = static_cast<std::uint32_t>(table + at);
        std::memcpy(record + i * sizeof(offset), &offset, sizeof(offset));
        const auto length = load<std::int32_t>(values.data() + at);
        at += length_bytes;
        if (length > 0) {
            if (static_cast<std::size_t>(length) > values.size() - at)
                return false;
            at += static_cast<std::size_t>(length);
        }
        else if (length < -1) {
            return false;
        }
    }
    if (at != values.size())
        return false;
    std::memcpy(record + table, values.data(), values.size());
    rows_[size_++] = record;
    free_ = record + table + values.size();
    return true;
}

} // namespace tradecore::pg::detail
