// SPDX-License-Identifier: Apache-2.0
#include "policies/allocations.hpp"

#include <cstddef>

// A program's own malloc takes the place of glibc's. Asio takes memory with aligned_alloc, so that counting calls of
// operator new would miss it.
// (The GNU C Library Reference Manual, "Replacing malloc"; these four names are what glibc's own is exported as.)
extern "C" {
void* __libc_malloc(std::size_t size);                          // NOLINT(bugprone-reserved-identifier)
void* __libc_calloc(std::size_t count, std::size_t size);       // NOLINT(bugprone-reserved-identifier)
void* __libc_realloc(void* old, std::size_t size);              // NOLINT(bugprone-reserved-identifier)
void* __libc_memalign(std::size_t alignment, std::size_t size); // NOLINT(bugprone-reserved-identifier)
}

namespace {

// One thread measures; others only begin and end.
thread_local std::uint64_t count = 0;

} // namespace

std::uint64_t tradecore::bench::allocations() noexcept
{
    return count;
}

extern "C" {

void* malloc(std::size_t size) noexcept
{
    ++count;
    return __libc_malloc(size);
}

void* calloc(std::size_t number, std::size_t size) noexcept
{
    ++count;
    return __libc_calloc(number, size);
}

void* realloc(void* old, std::size_t size) noexcept
{
    ++count;
    return __libc_realloc(old, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept
{
    ++count;
    return __libc_memalign(alignment, size);
}

} // extern "C"
