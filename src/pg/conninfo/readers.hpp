// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace tradecore::pg::conninfo {

/// What is wrong with a value; the message goes on after the keyword's name: "must be …".
class bad_value : public std::invalid_argument {
public:
    using std::invalid_argument::invalid_argument;
};

/// An integer as libpq reads them: blanks around it and a sign are allowed.
/// @throws bad_value outside of the bounds, which a value of 32 bits always has.
[[nodiscard]] int read_integer(std::string_view text, int least, int most);
/// The same with no bounds but those of 32 bits.
[[nodiscard]] int read_integer(std::string_view text);

/// A time as the server's settings have them: milliseconds, or with a unit of ms, s, min, h or d.
[[nodiscard]] std::chrono::milliseconds read_duration(std::string_view text);

/// A size as the server's settings have them: bytes, or with a unit of B, kB, MB or GB.
[[nodiscard]] std::size_t read_size(std::string_view text);

/// 0 or 1, and the server's other words for them: off/on, no/yes, false/true.
[[nodiscard]] bool read_flag(std::string_view text);

[[nodiscard]] bool same_ignoring_case(std::string_view left, std::string_view right) noexcept;

/// One of a few words.
template <class T, std::size_t n>
[[nodiscard]] T read_choice(std::string_view text, const std::pair<std::string_view, T> (&words)[n])
{
    std::string list;
    for (std::size_t i = 0; i < n; ++i) {
        if (words[i].first == text)
            return words[i].second;
        list += i == 0 ? "" : i + 1 == n ? " or " : ", ";
        list += words[i].first;
    }
    throw bad_value("must be " + list);
}

} // namespace tradecore::pg::conninfo
