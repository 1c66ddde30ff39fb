// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>

namespace tradecore::bench {

/// What the harness tells every contender, as `--name=value`.
struct arguments {
    /// point, rows, rows-streamed, copy, execute-many, unnest
    std::string workload = "point";
    /// How the contender goes about it; its own words.
    std::string mode;
    /// A folder of a Unix socket when it begins with '/', else an IPv4 address.
    std::string host;
    std::uint16_t port = 5432;
    std::string user = "bench";
    std::string database = "bench";
    std::size_t connections = 1;
    /// How many statements one connection has in flight.
    std::size_t depth = 1;
    /// How many coroutines ask.
    std::size_t callers = 1;
    double seconds = 2;
    double warm_up = 0.3;
    /// When not 0: exactly so many statements instead of a time.
    std::uint64_t queries = 0;
    std::uint64_t rows = 1'000'000;
    std::uint64_t seed = 1;

    [[nodiscard]] bool over_tcp() const noexcept { return !host.starts_with('/'); }

    /// As libpq and we read it.
    [[nodiscard]] std::string dsn() const
    {
        return "host=" + host + " port=" + std::to_string(port) + " user=" + user + " dbname=" + database +
               " sslmode=disable";
    }
};

namespace detail {

template <class T>
void read(std::string_view name, std::string_view text, T& into)
{
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), into);
    if (problem != std::errc() || end != text.data() + text.size()) {
        std::fprintf(
            stderr, "--%.*s: '%.*s' is no number\n", static_cast<int>(name.size()), name.data(),
            static_cast<int>(text.size()), text.data());
        std::exit(2);
    }
}

} // namespace detail

/// Hands each `--name=value` to `take`, which says whether there is such an option. Ends the program with status 2 when
/// there is none.
template <class Take>
void read_options(int count, char** values, Take take)
{
    for (int i = 1; i < count; ++i) {
        const std::string_view whole = values[i];
        const auto equals = whole.find('=');
        if (!whole.starts_with("--") || equals == whole.npos) {
            std::fprintf(stderr, "'%s' is not --name=value\n", values[i]);
            std::exit(2);
        }
        if (!take(whole.substr(2, equals - 2), whole.substr(equals + 1))) {
            std::fprintf(stderr, "there is no option '%s'\n", values[i]);
            std::exit(2);
        }
    }
}

/// Ends the program with status 2 when an option is unknown or has no sense.
inline arguments parse_arguments(int count, char** values)
{
    arguments made;
    read_options(count, values, [&made](std::string_view name, std::string_view value) {
        if (name == "workload")
            made.workload = value;
        else if (name == "mode")
            made.mode = value;
        else if (name == "host")
            made.host = value;
        else if (name == "port")
            detail::read(name, value, made.port);
        else if (name == "user")
            made.user = value;
        else if (name == "database")
            made.database = value;
        else if (name == "connections")
            detail::read(name, value, made.connections);
        else if (name == "depth")
            detail::read(name, value, made.depth);
        else if (name == "callers")
            detail::read(name, value, made.callers);
        else if (name == "seconds")
            detail::read(name, value, made.seconds);
        else if (name == "warm-up")
            detail::read(name, value, made.warm_up);
        else if (name == "queries")
            detail::read(name, value, made.queries);
        else if (name == "rows")
            detail::read(name, value, made.rows);
        else if (name == "seed")
            detail::read(name, value, made.seed);
        else
            return false;
        return true;
    });
    if (made.connections == 0 || made.depth == 0 || made.callers == 0 || made.host.empty()) {
        std::fprintf(stderr, "--host is needed; --connections, --depth and --callers are at least 1\n");
        std::exit(2);
    }
    return made;
}

/// For a workload or mode the program does not have.
[[noreturn]] inline void refuse(const arguments& given)
{
    std::fprintf(stderr, "no workload '%s' in mode '%s'\n", given.workload.c_str(), given.mode.c_str());
    std::exit(2);
}

} // namespace tradecore::bench
