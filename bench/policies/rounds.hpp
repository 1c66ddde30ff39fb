// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "policies/allocations.hpp"

#include <boost/asio/awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string_view>
#include <vector>

namespace tradecore::bench {

/// Processor time of this thread: what others do on a busy machine is not in it.
inline double nanoseconds_used()
{
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// Keeps what was computed, and all before it, from being optimised away.
template <class T>
void use(const T& value)
{
    asm volatile("" : : "g"(&value) : "memory");
}

/// Something that is done again and again to what all of them share.
template <class World>
struct repeated {
    std::string_view name;
    boost::asio::awaitable<void> (*run)(World& on, std::size_t times);
    /// So many times fewer than the others, for what takes long.
    std::size_t slower = 1;
    std::vector<double> nanoseconds{};
    /// Of each of one round.
    std::vector<double> allocations_made{};
};

/// Runs all of them once a round, in an order that goes round, after two rounds that count for nothing.
template <class World>
boost::asio::awaitable<void>
run_rounds(World& on, std::vector<repeated<World>>& all, std::size_t rounds, std::size_t times)
{
    constexpr std::size_t warm_up = 2;
    for (std::size_t round = 0; round < rounds + warm_up; ++round) {
        for (std::size_t i = 0; i < all.size(); ++i) {
            auto& each = all[(round + i) % all.size()];
            const auto count = std::max<std::size_t>(1, times / each.slower);
            const auto made_before = allocations();
            const auto from = nanoseconds_used();
            co_await each.run(on, count);
            const auto to = nanoseconds_used();
            const auto made = allocations() - made_before;
            if (round < warm_up)
                continue;
            each.nanoseconds.push_back((to - from) / static_cast<double>(count));
            each.allocations_made.push_back(static_cast<double>(made) / static_cast<double>(count));
        }
    }
}

inline void print_numbers(std::string_view name, const std::vector<double>& values)
{
    std::printf("\"%.*s\": [", static_cast<int>(name.size()), name.data());
    for (std::size_t i = 0; i < values.size(); ++i)
        std::printf("%s%.4f", i == 0 ? "" : ", ", values[i]);
    std::printf("]");
}

/// Prints the one line of JSON: of each name what every round took and how often it asked for memory.
template <class World>
void print_rounds(const std::vector<repeated<World>>& all)
{
    std::printf("{");
    for (std::size_t i = 0; i < all.size(); ++i) {
        std::printf("%s\"%.*s\": {", i == 0 ? "" : ", ", static_cast<int>(all[i].name.size()), all[i].name.data());
        print_numbers("nanoseconds", all[i].nanoseconds);
        std::printf(", ");
        print_numbers("allocations", all[i].allocations_made);
        std::printf("}");
    }
    std::printf("}\n");
    std::fflush(stdout);
}

} // namespace tradecore::bench
