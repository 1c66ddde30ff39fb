// SPDX-License-Identifier: Apache-2.0
#include "pg/conninfo/dsn_generator.hpp"
#include "pg/conninfo/host_list.hpp"
#include "pg/conninfo/libpq_oracle.hpp"
#include "pg/support/wire_values.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <optional>
#include <stdexcept>

namespace tradecore::pg::conninfo {
namespace {

namespace libpq = test::libpq;
using host_list = std::vector<host_address>;

std::string refusal(const char* hosts, const char* addresses, const char* ports)
{
    return test::message_of<std::invalid_argument>([=] { (void)join_host_lists(hosts, addresses, ports); });
}

TEST(HostList, JoinsHostsAddressesAndPorts)
{
    EXPECT_EQ(join_host_lists("", "", ""), (host_list{{"/var/run/postgresql", "", 5432}}));
    EXPECT_EQ(join_host_lists("a,b", "", ""), (host_list{{"a", "", 5432}, {"b", "", 5432}}));
    EXPECT_EQ(join_host_lists("a,b", "", "7"), (host_list{{"a", "", 7}, {"b", "", 7}}));
    EXPECT_EQ(join_host_lists("a,b", "", "7,8"), (host_list{{"a", "", 7}, {"b", "", 8}}));
    EXPECT_EQ(join_host_lists("a,b", "", ",8"), (host_list{{"a", "", 5432}, {"b", "", 8}}));
    EXPECT_EQ(join_host_lists("a,", "", ""), (host_list{{"a", "", 5432}, {"/var/run/postgresql", "", 5432}}));
    EXPECT_EQ(join_host_lists("", "10.0.0.1,::1", "7,"), (host_list{{"", "10.0.0.1", 7}, {"", "::1", 5432}}));
    EXPECT_EQ(join_host_lists("a,b", "10.0.0.1,", ""), (host_list{{"a", "10.0.0.1", 5432}, {"b", "", 5432}}));
    EXPECT_EQ(join_host_lists("", "", " +7 "), (host_list{{"/var/run/postgresql", "", 7}}));
}

TEST(HostList, RefusesWhatDoesNotFitTogether)
{
    EXPECT_EQ(refusal("a", "", "1,2"), "port has 2 items for 1 host: it must be one or as many");
    EXPECT_EQ(refusal("a,b,c", "", "1,2"), "port has 2 items for 3 hosts: it must be one or as many");
    EXPECT_EQ(refusal("a", "10.0.0.1,10.0.0.2", ""), "host has 1 item and hostaddr 2: it must be as many");
    EXPECT_EQ(refusal("", "10.0.0.300", ""), "hostaddr must be an IPv4 or IPv6 address; names belong into host");
    EXPECT_EQ(refusal("", "/tmp", ""), "hostaddr must be an IPv4 or IPv6 address; names belong into host");
    for (const auto* const port : {"0", "65536", "x", "5 5", "-1", "1.5", "99999999999"})
        EXPECT_EQ(refusal("a", "", port), "port must be a number from 1 to 65535") << port;
}

TEST(HostList, TellsSocketsByTheirNames)
{
    EXPECT_TRUE((host_address{"/tmp", "", 1}).is_unix_socket());
    EXPECT_TRUE((host_address{"@abstract", "", 1}).is_unix_socket());
    EXPECT_FALSE((host_address{"/tmp", "127.0.0.1", 1}).is_unix_socket());
    EXPECT_FALSE((host_address{"db", "", 1}).is_unix_socket());
}

std::string list_of(test::dsn_generator& generate, std::size_t size, const std::vector<std::string>& items)
{
    std::string list;
    for (std::size_t i = 0; i < size; ++i)
        list += (i == 0 ? "" : ",") + generate.one_of(items);
    return list;
}

// The sockets in libpq's message: it tries them all, as there are none.
std::vector<std::string> sockets_in(std::string_view message)
{
    std::vector<std::string> found;
    constexpr std::string_view before = "on socket \"";
    for (auto at = message.find(before); at != std::string_view::npos; at = message.find(before)) {
        message.remove_prefix(at + before.size());
        found.emplace_back(message.substr(0, message.find('"')));
    }
    return found;
}

RC_GTEST_PROP(HostList, IsTriedAsLibpqTriesIt, (std::uint64_t seed))
{
    test::dsn_generator generate(seed, {"host"});
    const auto size = 1 + generate.below(4);
    const auto hosts = list_of(generate, size, {"/nonexistent/a", "/nonexistent/b", "/nonexistent/c d"});
    const auto ports =
        list_of(generate, generate.chance(60) ? size : generate.below(4), {"1", "2", "", "70", " 3 ", "+4", "65535"}) +
        (generate.chance(10)  ? "x"
         : generate.chance(5) ? "0"
         : generate.chance(5) ? ",65536"
                              : "");

    const libpq::scoped_variables none({});
    const libpq::connection tried(PQconnectdb(("host='" + hosts + "' port='" + ports + "'").c_str()), PQfinish);
    const std::string_view message = PQerrorMessage(tried.get());
    const bool refused = message.find("could not match") != std::string_view::npos ||
                         message.find("invalid port number") != std::string_view::npos ||
                         message.find("invalid integer value") != std::string_view::npos;
    RC_TAG(refused ? "refused" : "accepted");
    std::optional<std::vector<std::string>> own;
    try {
        own.emplace();
        for (const auto& host : join_host_lists(hosts, "", ports))
            own->push_back(host.host + "/.s.PGSQL." + std::to_string(host.port));
    }
    catch (const std::invalid_argument&) {
        own.reset();
    }
    if (own.has_value() == refused || (own && *own != sockets_in(message)))
        RC_FAIL("host=" + hosts + " port=" + ports + "\n" + std::string(message));
}

} // namespace
} // namespace tradecore::pg::conninfo
