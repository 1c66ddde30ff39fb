// SPDX-License-Identifier: Apache-2.0
#include "domain/fixed.hpp"

#include <boost/multiprecision/cpp_int.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tradecore::app::domain::detail {

namespace {

__extension__ typedef unsigned __int128 uint128; // NOLINT(modernize-use-using)

constexpr int128 word_limit = static_cast<int128>(1) << 63;

constexpr uint128 magnitude(int128 value)
{
    return value < 0 ? ~static_cast<uint128>(value) + 1 : static_cast<uint128>(value);
}

constexpr bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// Half to even on magnitudes; the sign is put back by the caller.
template <class Wide>
Wide divide_half_even(const Wide& dividend, const Wide& divisor)
{
    Wide quotient = dividend / divisor;
    const Wide remainder = dividend - quotient * divisor;
    const Wide rest = divisor - remainder;
    if (remainder > rest || (remainder == rest && (quotient & 1U) != 0))
        ++quotient;
    return quotient;
}

boost::multiprecision::uint256_t widen(uint128 value)
{
    boost::multiprecision::uint256_t wide = static_cast<std::uint64_t>(value >> 64);
    wide <<= 64;
    wide |= static_cast<std::uint64_t>(value);
    return wide;
}

// Wrong input may be of any length and hold anything: an error shows only its beginning, in printable characters.
std::string quoted(std::string_view text)
{
    constexpr std::size_t shown = 48;
    std::string out = "\"";
    for (const char c : text.substr(0, shown)) {
        if (c >= ' ' && c <= '~')
            out += c;
        else
            out += fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
    out += text.size() > shown ? "…\"" : "\"";
    return out;
}

[[noreturn]] void refuse(std::string_view text, std::string_view type, std::string_view reason)
{
    throw amount_syntax(fmt::format("{} is not a {}: {}", quoted(text), type, reason));
}

} // namespace

void throw_overflow(std::string_view type, std::string_view operation, int128 left, int128 right)
{
    throw amount_overflow(
        fmt::format("overflow in {}: {} {} {}", type, amount_text(left), operation, amount_text(right)));
}

void throw_out_of_range(std::string_view type)
{
    throw amount_overflow(fmt::format("overflow in {}: more than 30 digits before the decimal point", type));
}

std::string amount_text(int128 raw)
{
    // 38 digits, a point, a sign, and one spare for values from_raw refused and an error quotes.
    std::array<char, 44> buffer{};
    char* const end = buffer.data() + buffer.size();
    char* at = end;
    const uint128 size = magnitude(raw);
    constexpr auto one = static_cast<uint128>(amount_one);
    auto decimals = static_cast<std::uint32_t>(size % one);
    uint128 units = size / one;

    if (decimals != 0) {
        bool trailing = true;
        for (int i = 0; i < amount_scale; ++i, decimals /= 10) {
            const auto digit = static_cast<char>('0' + decimals % 10);
            if (trailing && digit == '0')
                continue;
            trailing = false;
            *--at = digit;
        }
        *--at = '.';
    }
    do {
        *--at = static_cast<char>('0' + static_cast<int>(units % 10));
        units /= 10;
    } while (units != 0);
    if (raw < 0)
        *--at = '-';
    return {at, end};
}

int128 parse_amount(std::string_view text, std::string_view type, bool round)
{
    if (text.empty())
        refuse(text, type, "it is empty");
    std::size_t at = text.front() == '-' ? 1 : 0;
    const bool negative = at == 1;
    const std::size_t units_begin = at;
    int128 value = 0;

    const auto push = [&](char c) {
        // One digit more than the greatest amount still fits 128 bits by far.
        if (value > amount_max / 10)
            throw amount_overflow(
                fmt::format("overflow in {}: {} has more than 30 digits before the decimal point", type, quoted(text)));
        value = value * 10 + (c - '0');
    };

    while (at < text.size() && is_digit(text[at]))
        push(text[at++]);
    if (at == units_begin)
        refuse(text, type, "it does not begin with a digit");

    int decimals = 0;
    bool up = false;
    if (at < text.size() && text[at] == '.') {
        ++at;
        const std::size_t decimals_begin = at;
        while (at < text.size() && is_digit(text[at]) && decimals < amount_scale) {
            push(text[at++]);
            ++decimals;
        }
        if (at == decimals_begin)
            refuse(text, type, "no digit follows the decimal point");
        if (at < text.size() && is_digit(text[at])) {
            std::size_t last = at;
            while (last < text.size() && is_digit(text[last]))
                ++last;
            if (last == text.size() && !round)
                refuse(text, type, "it has more than 8 decimals");
            const std::string_view rest = text.substr(at, last - at);
            const bool dust = std::any_of(rest.begin() + 1, rest.end(), [](char c) { return c != '0'; });
            up = rest.front() > '5' || (rest.front() == '5' && (dust || value % 2 != 0));
            at = last;
        }
    }
    if (at != text.size()) {
        if (text[at] == 'e' || text[at] == 'E')
            refuse(text, type, "an exponent is not accepted");
        refuse(text, type, fmt::format("unexpected {}", quoted(text.substr(at, 1))));
    }
    for (; decimals < amount_scale; ++decimals)
        push('0');
    if (up)
        ++value;
    if (value > amount_max)
        throw_out_of_range(type);
    return negative ? -value : value;
}

int128 multiply_divide(int128 left, int128 right, int128 divisor, std::string_view operation)
{
    const bool negative = (left < 0) != (right < 0);
    const uint128 a = magnitude(left);
    const uint128 b = magnitude(right);
    uint128 result = 0;
    if (a < static_cast<uint128>(word_limit) && b < static_cast<uint128>(word_limit)) {
        result = divide_half_even(a * b, static_cast<uint128>(divisor));
    }
    else {
        // Both factors are below 10³⁸, so the product is below 10⁷⁶ < 2²⁵⁶.
        const auto wide = divide_half_even<boost::multiprecision::uint256_t>(
            widen(a) * widen(b), widen(static_cast<uint128>(divisor)));
        if (wide > widen(static_cast<uint128>(amount_max)))
            throw_overflow("amount", operation, left, right);
        result = (static_cast<uint128>(static_cast<std::uint64_t>(wide >> 64)) << 64) |
                 static_cast<std::uint64_t>(wide & ~std::uint64_t{0});
    }
    if (result > static_cast<uint128>(amount_max))
        throw_overflow("amount", operation, left, right);
    const auto value = static_cast<int128>(result);
    return negative ? -value : value;
}

} // namespace tradecore::app::domain::detail
