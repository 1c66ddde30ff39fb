// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/resource.h>

namespace tradecore::bench {

using clock = std::chrono::steady_clock;

inline double seconds_between(clock::time_point from, clock::time_point to)
{
    return std::chrono::duration<double>(to - from).count();
}

/// Time and processor time of this process at one moment.
struct moment {
    clock::time_point time = clock::now();
    rusage used = [] {
        rusage now{};
        ::getrusage(RUSAGE_SELF, &now);
        return now;
    }();
};

/// The most memory this program has had, in KiB. Not `ru_maxrss`, which begins with what the program had that started
/// this one.
inline long peak_rss_kib()
{
    std::FILE* file = std::fopen("/proc/self/status", "re");
    if (file == nullptr)
        return 0;
    long found = 0;
    char line[256];
    while (std::fgets(line, sizeof line, file) != nullptr)
        if (std::strncmp(line, "VmHWM:", 6) == 0)
            found = std::strtol(line + 6, nullptr, 10);
    std::fclose(file);
    return found;
}

/// Prints the one line that every contender ends with.
/// @param queries statements, `rows` rows, both in the time from `from` to `to`.
/// @param checksum of what was read, the same for everybody who did the same work.
inline void
print_record(const moment& from, const moment& to, std::uint64_t queries, std::uint64_t rows, std::uint64_t checksum)
{
    const auto microseconds = [](const timeval& before, const timeval& after) {
        return static_cast<double>(after.tv_sec - before.tv_sec) * 1e6 +
               static_cast<double>(after.tv_usec - before.tv_usec);
    };
    std::printf(
        "{\"queries\": %llu, \"rows\": %llu, \"seconds\": %.6f, \"user_us\": %.0f, \"system_us\": %.0f, "
        "\"peak_rss_kib\": %ld, \"checksum\": %llu}\n",
        static_cast<unsigned long long>(queries), static_cast<unsigned long long>(rows),
        seconds_between(from.time, to.time), microseconds(from.used.ru_utime, to.used.ru_utime),
        microseconds(from.used.ru_stime, to.used.ru_stime), peak_rss_kib(), static_cast<unsigned long long>(checksum));
    std::fflush(stdout);
}

} // namespace tradecore::bench
