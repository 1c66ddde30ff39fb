// SPDX-License-Identifier: Apache-2.0
#include "pg/codec/text_values.hpp"

#include <tradecore/pg/types/network_address.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <span>
#include <utility>

namespace tradecore::pg {

namespace asio = boost::asio;

namespace {

// PGSQL_AF_INET and PGSQL_AF_INET6 of the server's utils/inet.h.
constexpr char family_v4 = 2;
constexpr char family_v6 = 3;

int full_prefix(const asio::ip::address& address) noexcept
{
    return address.is_v4() ? 32 : 128;
}

struct address_bytes {
    std::array<std::uint8_t, 16> bytes{};
    std::size_t size = 0;

    [[nodiscard]] std::span<const std::uint8_t> view() const noexcept { return {bytes.data(), size}; }
};

address_bytes bytes_of(const asio::ip::address& address) noexcept
{
    address_bytes all;
    const auto copy = [&](const auto& from) {
        std::ranges::copy(from, all.bytes.begin());
        all.size = from.size();
    };
    // Asked first, the conversions do not throw.
    if (address.is_v4()) {
        copy(address.to_v4().to_bytes());
    }
    else {
        copy(address.to_v6().to_bytes());
    }
    return all;
}

// Compares the first `bits` of two addresses of one family.
std::strong_ordering compare_bits(const address_bytes& left, const address_bytes& right, int bits) noexcept
{
    const auto whole = static_cast<std::size_t>(bits / 8);
    const int order = std::memcmp(left.bytes.data(), right.bytes.data(), whole);
    if (order != 0 || bits % 8 == 0) {
        return order <=> 0;
    }
    const int shift = 8 - bits % 8;
    return left.bytes[whole] >> shift <=> right.bytes[whole] >> shift;
}

// A row of zeros, counted in groups of 16 bits.
struct zeros {
    std::size_t begin = 8;
    std::size_t size = 1;
};

// @returns the longest row of two or more, the first of several.
zeros longest_zeros(std::span<const std::uint8_t> bytes) noexcept
{
    zeros longest;
    std::size_t run = 0;
    for (std::size_t i = 0; i < 8; ++i) {
        run = bytes[i * 2] == 0 && bytes[i * 2 + 1] == 0 ? run + 1 : 0;
        if (run > longest.size) {
            longest = {i + 1 - run, run};
        }
    }
    return longest;
}

// As the server's own pg_inet_net_ntop, whose choice of addresses with an IPv4 tail is not the C
// library's everywhere.
void append_v6(std::string& out, std::span<const std::uint8_t> bytes)
{
    const auto skipped = longest_zeros(bytes);
    const auto end = skipped.begin + skipped.size;
    const bool mapped = skipped.begin == 0 && skipped.size == 5 && bytes[10] == 0xff && bytes[11] == 0xff;
    const bool compatible = skipped.begin == 0 && skipped.size == 6;
    for (std::size_t i = 0; i < 8; ++i) {
        if (i >= skipped.begin && i < end) {
            out += i == skipped.begin ? ":" : "";
            continue;
        }
        out += i == 0 ? "" : ":";
        if (i == 6 && (mapped || compatible)) {
            fmt::format_to(std::back_inserter(out), "{}.{}.{}.{}", bytes[12], bytes[13], bytes[14], bytes[15]);
            return;
        }
        fmt::format_to(std::back_inserter(out), "{:x}", bytes[i * 2] << 8 | bytes[i * 2 + 1]);
    }
    out += end == 8 && skipped.begin < 8 ? ":" : "";
}

std::string address_text(const asio::ip::address& address)
{
    std::string text;
    const auto all = bytes_of(address);
    if (address.is_v4()) {
        fmt::format_to(std::back_inserter(text), "{}.{}.{}.{}", all.bytes[0], all.bytes[1], all.bytes[2], all.bytes[3]);
    }
    else {
        append_v6(text, all.view());
    }
    return text;
}

// Family, prefix, whether it is cidr, number of bytes, bytes. (network_send in the server's network.c)
void append_wire(const inet& value, bool is_cidr, parameter_writer& to)
{
    const auto all = bytes_of(value.address());
    const std::array<char, 4> head = {
        value.address().is_v4() ? family_v4 : family_v6, static_cast<char>(value.prefix()),
        static_cast<char>(is_cidr ? 1 : 0), static_cast<char>(all.size)};
    to.append(std::string_view(head.data(), head.size()));
    // Any object may be read as char.
    to.append(std::string_view(reinterpret_cast<const char*>(all.bytes.data()), all.size));
}

template <class Bytes>
asio::ip::address make_address(std::string_view from)
{
    Bytes bytes{};
    std::ranges::transform(from, bytes.begin(), [](char c) { return static_cast<unsigned char>(c); });
    if constexpr (std::tuple_size_v<Bytes> == 4) {
        return asio::ip::make_address_v4(bytes);
    }
    else {
        return asio::ip::make_address_v6(bytes);
    }
}

std::optional<cidr> as_network(const std::optional<inet>& value)
{
    if (!value || !value->is_network()) {
        return std::nullopt;
    }
    return cidr(value->address(), value->prefix());
}

} // namespace

inet::inet(asio::ip::address address) : inet(address, full_prefix(address)) {}

inet::inet(asio::ip::address address, int prefix) : address_(std::move(address)), prefix_(prefix)
{
    if (prefix < 0 || prefix > full_prefix(address_)) {
        throw type_error(
            "a prefix of " + std::to_string(prefix) + " bits is none of " + address_.to_string() + ", which has " +
            std::to_string(full_prefix(address_)));
    }
    if (address_.is_v6() && address_.to_v6().scope_id() != 0) {
        throw type_error("the scope of " + address_.to_string() + " has no place in PostgreSQL's inet");
    }
}

std::optional<inet> inet::parse(std::string_view text)
{
    const auto slash = text.find('/');
    const auto host = text.substr(0, slash);
    boost::system::error_code failed;
    const auto address = asio::ip::make_address(std::string(host), failed);
    if (failed || host.find('%') != std::string_view::npos || host.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    if (slash == std::string_view::npos) {
        return inet(address);
    }
    const auto prefix = detail::number_from_text<int>(text.substr(slash + 1));
    if (!prefix || *prefix < 0 || *prefix > full_prefix(address)) {
        return std::nullopt;
    }
    return inet(address, *prefix);
}

std::string inet::to_string() const
{
    auto text = address_text(address_);
    if (!is_host()) {
        text += "/" + std::to_string(prefix_);
    }
    return text;
}

bool inet::is_network() const noexcept
{
    const auto all = bytes_of(address_);
    for (auto bit = static_cast<std::size_t>(prefix_); bit < all.size * 8; ++bit) {
        if ((all.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0) {
            return false;
        }
    }
    return true;
}

std::strong_ordering operator<=>(const inet& left, const inet& right) noexcept
{
    if (left.address_.is_v4() != right.address_.is_v4()) {
        return left.address_.is_v4() ? std::strong_ordering::less : std::strong_ordering::greater;
    }
    const auto left_bytes = bytes_of(left.address_);
    const auto right_bytes = bytes_of(right.address_);
    auto order = compare_bits(left_bytes, right_bytes, std::min(left.prefix_, right.prefix_));
    if (order == 0) {
        order = left.prefix_ <=> right.prefix_;
    }
    return order != 0 ? order : compare_bits(left_bytes, right_bytes, full_prefix(left.address_));
}

cidr::cidr(const asio::ip::address& address, int prefix) : network_(address, prefix)
{
    if (!network_.is_network()) {
        throw type_error(network_.to_string() + " is no network: bits behind its prefix are set");
    }
}

std::optional<cidr> cidr::parse(std::string_view text)
{
    return as_network(inet::parse(text));
}

std::string cidr::to_string() const
{
    return address_text(network_.address()) + "/" + std::to_string(network_.prefix());
}

std::optional<inet> detail::value_codec<inet>::from_wire(std::string_view bytes)
{
    constexpr std::size_t head = 4;
    if (bytes.size() < head || bytes.size() != head + static_cast<unsigned char>(bytes[3])) {
        return std::nullopt;
    }
    const int prefix = static_cast<unsigned char>(bytes[1]);
    const auto address = bytes.substr(head);
    if (bytes[0] == family_v4 && address.size() == 4 && prefix <= 32) {
        return inet(make_address<asio::ip::address_v4::bytes_type>(address), prefix);
    }
    if (bytes[0] == family_v6 && address.size() == 16 && prefix <= 128) {
        return inet(make_address<asio::ip::address_v6::bytes_type>(address), prefix);
    }
    return std::nullopt;
}

void detail::value_codec<inet>::to_wire(const inet& value, parameter_writer& to)
{
    append_wire(value, false, to);
}

std::optional<cidr> detail::value_codec<cidr>::from_wire(std::string_view bytes)
{
    return as_network(value_codec<inet>::from_wire(bytes));
}

void detail::value_codec<cidr>::to_wire(const cidr& value, parameter_writer& to)
{
    append_wire(value.as_inet(), true, to);
}

asio::ip::address field_traits<asio::ip::address>::decode(const field& from)
{
    const auto value = field_traits<inet>::decode(from);
    if (!value.is_host()) {
        from.refuse(name(), value.to_string() + " has a prefix; take a tradecore::pg::inet");
    }
    return value.address();
}

asio::ip::network_v4 field_traits<asio::ip::network_v4>::decode(const field& from)
{
    const auto value = field_traits<inet>::decode(from);
    if (!value.address().is_v4()) {
        from.refuse(name(), value.to_string() + " is of IPv6");
    }
    return {value.address().to_v4(), static_cast<unsigned short>(value.prefix())};
}

asio::ip::network_v6 field_traits<asio::ip::network_v6>::decode(const field& from)
{
    const auto value = field_traits<inet>::decode(from);
    if (!value.address().is_v6()) {
        from.refuse(name(), value.to_string() + " is of IPv4");
    }
    return {value.address().to_v6(), static_cast<unsigned short>(value.prefix())};
}

} // namespace tradecore::pg
