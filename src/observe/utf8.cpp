// SPDX-License-Identifier: Apache-2.0
#include <tradecore/observe/utf8.hpp>

namespace tradecore::observe {
namespace {

std::size_t announced_length(unsigned char first) noexcept
{
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf)
        return 2;
    if (first >= 0xe0 && first <= 0xef)
        return 3;
    return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

/// What would be longer than need be, half of a pair of UTF-16, or beyond the last character shows in the second byte.
bool may_follow(unsigned char first, unsigned char second) noexcept
{
    const int lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const int highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    return second >= lowest && second <= highest;
}

} // namespace

std::size_t utf8_length(std::string_view text) noexcept
{
    const auto byte = [text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const std::size_t length = text.empty() ? 0 : announced_length(byte(0));
    if (text.size() < length || (length > 1 && !may_follow(byte(0), byte(1))))
        return 0;
    for (std::size_t at = 2; at < length; ++at)
        if ((byte(at) & 0xc0U) != 0x80U)
            return 0;
    return length;
}

std::string valid_utf8(std::string_view text)
{
    std::string valid;
    valid.reserve(text.size());
    while (!text.empty()) {
        const auto length = utf8_length(text);
        if (length == 0)
            valid += "\uFFFD";
        else
            valid += text.substr(0, length);
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return valid;
}

} // namespace tradecore::observe
