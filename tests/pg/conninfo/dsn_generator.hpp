// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tradecore::pg::test {

/// Makes connection strings of both forms up: right ones written in odd ways, and such with mistakes in them.
/// The same seed makes the same strings.
class dsn_generator {
public:
    /// @param keywords those that values are made up for.
    dsn_generator(std::uint64_t seed, std::vector<std::string> keywords) : random_(seed), keywords_(std::move(keywords))
    {}

    std::string keyword_values();
    std::string uri();
    /// A few bytes taken out, put in, changed or written twice.
    std::string mutated(std::string text);

    /// A value with all that is difficult in it.
    std::string text(std::size_t most = 8);
    std::size_t below(std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_); }
    bool chance(unsigned percent) { return below(100) < percent; }
    template <class T, std::size_t n>
    const T& one_of(const T (&items)[n])
    {
        return items[below(n)];
    }
    template <class T>
    const T& one_of(const std::vector<T>& items)
    {
        return items[below(items.size())];
    }

private:
    std::string blanks();
    std::string keyword();
    std::string as_value(const std::string& plain);
    std::string percent_encoded(const std::string& plain);
    std::string uri_host();

    std::mt19937_64 random_;
    std::vector<std::string> keywords_;
};

} // namespace tradecore::pg::test
