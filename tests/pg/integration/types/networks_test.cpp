// SPDX-License-Identifier: Apache-2.0
#include "pg/integration/types/round_trip.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace tradecore::pg::test {
namespace {

namespace asio = boost::asio;

inet address(std::string_view text)
{
    return inet::parse(text).value();
}

// Bytes with many zeros among them, which the text of IPv6 leaves out.
rc::Gen<std::array<std::uint8_t, 16>> any_bytes()
{
    const auto byte = rc::gen::weightedOneOf<std::uint8_t>(
        {{3, rc::gen::just(std::uint8_t{0})},
         {1, rc::gen::just(std::uint8_t{0xff})},
         {2, rc::gen::arbitrary<std::uint8_t>()}});
    return rc::gen::container<std::array<std::uint8_t, 16>>(byte);
}

inet make_address(bool is_v4, const std::array<std::uint8_t, 16>& bytes, int prefix)
{
    if (is_v4) {
        return {asio::ip::address_v4({bytes[0], bytes[1], bytes[2], bytes[3]}), prefix % 33};
    }
    asio::ip::address_v6::bytes_type all{};
    std::copy(bytes.begin(), bytes.end(), all.begin());
    return {asio::ip::address_v6(all), prefix};
}

rc::Gen<inet> any_address()
{
    return rc::gen::map(
        rc::gen::tuple(rc::gen::arbitrary<bool>(), any_bytes(), rc::gen::inRange(0, 129)),
        [](const auto& parts) { return make_address(std::get<0>(parts), std::get<1>(parts), std::get<2>(parts)); });
}

cidr network_of(const inet& host)
{
    if (host.address().is_v4()) {
        const asio::ip::network_v4 whole(host.address().to_v4(), static_cast<unsigned short>(host.prefix()));
        return {whole.canonical().address(), host.prefix()};
    }
    const asio::ip::network_v6 whole(host.address().to_v6(), static_cast<unsigned short>(host.prefix()));
    return {whole.canonical().address(), host.prefix()};
}

std::vector<inet> edge_addresses()
{
    std::vector<inet> all;
    for (const auto* const text :
         {"0.0.0.0/0", "255.255.255.255", "192.168.0.1/24", "::", "::/0", "::1", "::1.2.3.4", "::ffff:1.2.3.4", "::2:0",
          "1::", "1:0:0:2::3", "1:0:2:0:3:0:4:0", "fe80::1:0:0:1/64", "::ffff:0:0:0:0"}) {
        all.push_back(address(text));
    }
    return all;
}

TEST(addresses, make_the_round_trip)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto all = samples(edge_addresses(), any_address());
        co_await expect_round_trip(*db, "inet", all);
        auto ours = all;
        std::sort(ours.begin(), ours.end());
        EXPECT_EQ(ours, (co_await db->fetch<inet>("SELECT v FROM unnest($1::inet[]) v ORDER BY v", all)));
    });
}

TEST(networks, make_the_round_trip)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        std::vector<cidr> all;
        for (const auto& each : samples(edge_addresses(), any_address())) {
            all.push_back(network_of(each));
        }
        co_await expect_round_trip(*db, "cidr", all);
    });
}

TEST(networks, and_addresses_are_those_of_asio)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto host = asio::ip::make_address("10.1.2.3");
        EXPECT_EQ(co_await db->fetchval<asio::ip::address>("SELECT $1::inet", host), host);
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT host($1::inet)", asio::ip::address_v6::loopback()), "::1");
        const auto network = asio::ip::make_network_v4("10.1.0.0/16");
        EXPECT_EQ(co_await db->fetchval<asio::ip::network_v4>("SELECT $1::cidr", network), network);
        const auto six = asio::ip::make_network_v6("2001:db8::/32");
        EXPECT_EQ(co_await db->fetchval<asio::ip::network_v6>("SELECT $1::cidr", six), six);
        EXPECT_TRUE(co_await db->fetchval<bool>("SELECT $1::inet <<= $2::cidr", host, network));
        std::string message;
        try {
            (void)co_await db->fetchval<bool>("SELECT $1::cidr IS NULL", asio::ip::make_network_v4("10.1.0.1/16"));
        }
        catch (const argument_error& error) {
            message = error.what();
        }
        EXPECT_EQ(message, "argument $1: 10.1.0.1/16 does not go into cidr: bits behind its prefix are set");
    });
}

template <std::size_t Size>
std::vector<basic_mac_address<Size>> any_macs()
{
    using mac = basic_mac_address<Size>;
    mac ones;
    ones.bytes.fill(0xff);
    return samples<mac>(
        {mac(), ones}, rc::gen::map(
                           rc::gen::container<std::array<std::uint8_t, Size>>(rc::gen::arbitrary<std::uint8_t>()),
                           [](const auto& bytes) { return mac{bytes}; }));
}

TEST(mac_addresses, make_the_round_trip)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        co_await expect_round_trip(*db, "macaddr", any_macs<6>());
        co_await expect_round_trip(*db, "macaddr8", any_macs<8>());
        EXPECT_EQ(
            co_await db->fetchval<std::string>(
                "SELECT $1::macaddr8::text", mac_address::parse("08:00:2b:01:02:03").value()),
            "08:00:2b:ff:fe:01:02:03");
    });
}

} // namespace
} // namespace tradecore::pg::test
