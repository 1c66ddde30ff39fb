// SPDX-License-Identifier: Apache-2.0
#include "db/fork_count.hpp"

#include <atomic>
#include <pthread.h>

namespace tradecore::detail {
namespace {

std::atomic<unsigned> forks{0};

bool watch_forks() noexcept
{
    // Fails for want of memory only; then forks go unnoticed.
    return pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); }) == 0;
}

} // namespace

unsigned fork_count() noexcept
{
    [[maybe_unused]] static const bool watched = watch_forks();
    return forks.load(std::memory_order_relaxed);
}

} // namespace tradecore::detail
