// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/text_values.hpp"

#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/types/identifiers.hpp>

#include <fmt/format.h>

#include <charconv>

namespace tradecore::pg {

namespace {

template <class T>
std::optional<T> read(std::string_view digits, int base) noexcept
{
    T value{};
    const auto* const end = digits.data() + digits.size();
    const auto [stop, failed] = std::from_chars(digits.data(), end, value, base);
    return failed == std::errc{} && stop == end ? std::optional(value) : std::nullopt;
}

} // namespace

std::optional<lsn> lsn::parse(std::string_view text) noexcept
{
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) {
        return std::nullopt;
    }
    const auto high = read<std::uint32_t>(text.substr(0, slash), 16);
    const auto low = read<std::uint32_t>(text.substr(slash + 1), 16);
    if (!high || !low) {
        return std::nullopt;
    }
    return lsn{std::uint64_t{*high} << 32 | *low};
}

std::string lsn::to_string() const
{
    return fmt::format("{:X}/{:X}", position >> 32, position & 0xFFFF'FFFF);
}

std::optional<transaction_id> transaction_id::parse(std::string_view text) noexcept
{
    const auto number = read<std::uint64_t>(text, 10);
    return number ? std::optional(transaction_id{*number}) : std::nullopt;
}

std::string transaction_id::to_string() const
{
    return std::to_string(number);
}

std::optional<one_byte_char> one_byte_char::parse(std::string_view text) noexcept
{
    if (text.size() == 4 && text.front() == '\\') {
        const auto byte = read<std::uint8_t>(text.substr(1), 8);
        return byte ? std::optional(one_byte_char{static_cast<char>(*byte)}) : std::nullopt;
    }
    if (text.size() > 1) {
        return std::nullopt;
    }
    return one_byte_char{text.empty() ? '\0' : text.front()};
}

std::string one_byte_char::to_string() const
{
    return value == '\0' ? std::string() : std::string(1, value);
}

namespace detail {

std::optional<lsn> value_codec<lsn>::from_wire(std::string_view bytes) noexcept
{
    return bytes.size() == 8 ? std::optional(lsn{load<std::uint64_t>(bytes)}) : std::nullopt;
}

void value_codec<lsn>::to_wire(const lsn& value, parameter_writer& to)
{
    to.append(value.position);
}

std::optional<transaction_id> value_codec<transaction_id>::from_wire(std::string_view bytes) noexcept
{
    return bytes.size() == 8 ? std::optional(transaction_id{load<std::uint64_t>(bytes)}) : std::nullopt;
}

void value_codec<transaction_id>::to_wire(const transaction_id& value, parameter_writer& to)
{
    to.append(value.number);
}

std::optional<one_byte_char> value_codec<one_byte_char>::from_wire(std::string_view bytes) noexcept
{
    return bytes.size() == 1 ? std::optional(one_byte_char{bytes.front()}) : std::nullopt;
}

void value_codec<one_byte_char>::to_wire(const one_byte_char& value, parameter_writer& to)
{
    to.append(std::string_view(&value.value, 1));
}

} // namespace detail
} // namespace tradecore::pg
