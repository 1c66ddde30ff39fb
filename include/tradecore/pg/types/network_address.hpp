// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/pg/codec/value_codec.hpp>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace tradecore::pg {

/// PostgreSQL's `inet`: the address of a host with the length of its network's prefix.
///
/// `boost::asio::ip::address` and its kin are arguments, too; an `inet` is read into an address when its
/// prefix is the whole of it.
class inet {
public:
    /// 0.0.0.0
    inet() : inet(boost::asio::ip::address_v4()) {}
    /// A host, with all bits as prefix.
    /// @throws type_error when an IPv6 address has a scope, which the server cannot keep.
    explicit inet(boost::asio::ip::address address);
    /// @param prefix 0 to 32, or to 128 for IPv6.
    /// @throws type_error as above and when the prefix is out of range.
    inet(boost::asio::ip::address address, int prefix);

    /// Reads "192.168.0.1/24" or an address alone.
    [[nodiscard]] static std::optional<inet> parse(std::string_view text);
    /// @returns the text the server prints: without the prefix when that is the whole address.
    [[nodiscard]] std::string to_string() const;

    [[nodiscard]] const boost::asio::ip::address& address() const noexcept { return address_; }
    [[nodiscard]] int prefix() const noexcept { return prefix_; }
    /// @returns whether the prefix is the whole address.
    [[nodiscard]] bool is_host() const noexcept { return prefix_ == (address_.is_v4() ? 32 : 128); }
    /// @returns whether all bits behind the prefix are 0, as `cidr` needs it.
    [[nodiscard]] bool is_network() const noexcept;

    friend bool operator==(const inet&, const inet&) = default;
    /// As the server orders: IPv4 first, then by network, then by prefix, then by host.
    friend std::strong_ordering operator<=>(const inet& left, const inet& right) noexcept;

private:
    boost::asio::ip::address address_;
    int prefix_;
};

/// PostgreSQL's `cidr`: a network, nothing behind the prefix.
///
/// `boost::asio::ip::network_v4` and `network_v6` are arguments and read from it, too.
class cidr {
public:
    /// 0.0.0.0/32
    cidr() = default;
    /// @throws type_error when the prefix is out of range, or bits behind it are not 0.
    cidr(const boost::asio::ip::address& address, int prefix);

    /// Reads "192.168.0.0/24".
    [[nodiscard]] static std::optional<cidr> parse(std::string_view text);
    /// @returns the text the server prints, always with the prefix.
    [[nodiscard]] std::string to_string() const;

    [[nodiscard]] const boost::asio::ip::address& address() const noexcept { return network_.address(); }
    [[nodiscard]] int prefix() const noexcept { return network_.prefix(); }
    [[nodiscard]] const inet& as_inet() const noexcept { return network_; }

    friend bool operator==(const cidr&, const cidr&) = default;
    friend std::strong_ordering operator<=>(const cidr& left, const cidr& right) noexcept
    {
        return left.network_ <=> right.network_;
    }

private:
    inet network_;
};

namespace detail {

template <>
struct value_codec<inet> {
    static constexpr std::string_view name = "tradecore::pg::inet";
    static constexpr oid type = oids::inet;
    /// Every network is an address with a prefix.
    static bool also(oid other) noexcept { return other == oids::cidr; }
    static std::optional<inet> from_wire(std::string_view bytes);
    static void to_wire(const inet& value, parameter_writer& to);
};

template <>
struct value_codec<cidr> {
    static constexpr std::string_view name = "tradecore::pg::cidr";
    static constexpr oid type = oids::cidr;
    static std::optional<cidr> from_wire(std::string_view bytes);
    static void to_wire(const cidr& value, parameter_writer& to);
};

} // namespace detail

/// A host's address from inet; one with a shorter prefix is refused.
template <>
struct field_traits<boost::asio::ip::address> {
    static std::string name() { return "boost::asio::ip::address"; }
    static bool accepts(oid type, wire_format) noexcept { return type == oids::inet; }
    static boost::asio::ip::address decode(const field& from);
};
template <>
struct field_traits<boost::asio::ip::network_v4> {
    static std::string name() { return "boost::asio::ip::network_v4"; }
    static bool accepts(oid type, wire_format) noexcept { return type == oids::inet || type == oids::cidr; }
    static boost::asio::ip::network_v4 decode(const field& from);
};
template <>
struct field_traits<boost::asio::ip::network_v6> {
    static std::string name() { return "boost::asio::ip::network_v6"; }
    static bool accepts(oid type, wire_format) noexcept { return type == oids::inet || type == oids::cidr; }
    static boost::asio::ip::network_v6 decode(const field& from);
};

template <>
struct parameter_traits<boost::asio::ip::address> {
    static inet convert(const boost::asio::ip::address& value) { return inet(value); }
};
template <>
struct parameter_traits<boost::asio::ip::address_v4> {
    static inet convert(const boost::asio::ip::address_v4& value) { return inet(value); }
};
template <>
struct parameter_traits<boost::asio::ip::address_v6> {
    static inet convert(const boost::asio::ip::address_v6& value) { return inet(value); }
};
/// With bits behind the prefix it goes into inet only.
template <>
struct parameter_traits<boost::asio::ip::network_v4> {
    static inet convert(const boost::asio::ip::network_v4& value) { return {value.address(), value.prefix_length()}; }
};
template <>
struct parameter_traits<boost::asio::ip::network_v6> {
    static inet convert(const boost::asio::ip::network_v6& value) { return {value.address(), value.prefix_length()}; }
};

} // namespace tradecore::pg
