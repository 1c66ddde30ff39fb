// SPDX-License-Identifier: Apache-2.0
#include "db/support/allocations.hpp"

#include <cstdlib>
#include <limits>
#include <new>

namespace {

constexpr auto none = std::numeric_limits<std::size_t>::max();

thread_local std::size_t count = 0;
thread_local std::size_t failing = none; // when the count is this

} // namespace

std::size_t tradecore::test::allocations() noexcept
{
    return count;
}

tradecore::test::failing_allocation::failing_allocation(std::size_t after) noexcept
{
    failing = count + after;
}

tradecore::test::failing_allocation::~failing_allocation()
{
    failing = none;
}

// ThreadSanitizer has its own; nothing is counted beside it.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TRADECORE_COUNTS_NOTHING
#endif
#endif

#ifndef TRADECORE_COUNTS_NOTHING
// The others of the standard library go through these.
void* operator new(std::size_t size)
{
    if (count++ == failing)
        throw std::bad_alloc();
    if (void* const made = std::malloc(size == 0 ? 1 : size))
        return made;
    throw std::bad_alloc();
}

void operator delete(void* which) noexcept
{
    std::free(which);
}

void operator delete(void* which, std::size_t) noexcept
{
    std::free(which);
}
#endif
