// SPDX-License-Identifier: Apache-2.0
#include "pg/conninfo/host_list.hpp"

#include "pg/conninfo/readers.hpp"

#include <netdb.h>
#include <stdexcept>

namespace tradecore::pg::conninfo {

namespace {

constexpr std::string_view default_socket_folder = "/var/run/postgresql";

// No list has no items, although a list with one empty item looks the same.
std::vector<std::string> split(std::string_view list)
{
    std::vector<std::string> items;
    while (!list.empty()) {
        const auto comma = list.find(',');
        items.emplace_back(list.substr(0, comma));
        if (comma == std::string_view::npos)
            break;
        list.remove_prefix(comma + 1);
        if (list.empty())
            items.emplace_back();
    }
    return items;
}

std::string count(std::size_t number, std::string_view what)
{
    return std::to_string(number) + " " + std::string(what) + (number == 1 ? "" : "s");
}

void check_address(const std::string& text)
{
    addrinfo wanted{};
    wanted.ai_flags = AI_NUMERICHOST;
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(text.c_str(), nullptr, &wanted, &found) != 0)
        throw std::invalid_argument("hostaddr must be an IPv4 or IPv6 address; names belong into host");
    freeaddrinfo(found);
}

std::uint16_t read_port(std::string_view text)
{
    try {
        return static_cast<std::uint16_t>(read_integer(text, 1, 65'535));
    }
    catch (const bad_value& problem) {
        throw std::invalid_argument(std::string("port ") + problem.what());
    }
}

} // namespace

std::vector<host_address> join_host_lists(std::string_view hosts, std::string_view addresses, std::string_view ports)
{
    const auto names = split(hosts);
    const auto numbers = split(addresses);
    const auto doors = split(ports);
    const auto size = !numbers.empty() ? numbers.size() : !names.empty() ? names.size() : 1;
    if (!names.empty() && names.size() != size)
        throw std::invalid_argument(
            "host has " + count(names.size(), "item") + " and hostaddr " + std::to_string(size) +
            ": it must be as many");
    if (doors.size() > 1 && doors.size() != size)
        throw std::invalid_argument(
            "port has " + count(doors.size(), "item") + " for " + count(size, "host") + ": it must be one or as many");

    std::vector<host_address> joined(size);
    for (std::size_t i = 0; i < size; ++i) {
        auto& one = joined[i];
        if (!names.empty())
            one.host = names[i];
        if (!numbers.empty())
            one.hostaddr = numbers[i];
        if (!one.hostaddr.empty())
            check_address(one.hostaddr);
        else if (one.host.empty())
            one.host = default_socket_folder;
        if (!doors.empty()) {
            const auto& door = doors[doors.size() == 1 ? 0 : i];
            if (!door.empty())
                one.port = read_port(door);
        }
    }
    return joined;
}

} // namespace tradecore::pg::conninfo
