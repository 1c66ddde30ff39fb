// SPDX-License-Identifier: Apache-2.0
#include "faults/server_address.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <system_error>

namespace tradecore::faults {

namespace asio = boost::asio;

std::vector<std::pair<std::string, std::string>> parts_of(const std::string& uri)
{
    const auto parsed = boost::urls::parse_uri(uri);
    if (!parsed)
        throw std::runtime_error{"not the URI of a server: " + uri};
    std::vector<std::pair<std::string, std::string>> parts;
    const auto add = [&](const char* keyword, const std::string& value) {
        if (!value.empty())
            parts.emplace_back(keyword, value);
    };
    add("user", parsed->user());
    add("password", parsed->password());
    add("host", parsed->host());
    add("port", std::string(parsed->port()));
    add("dbname", parsed->path().substr(std::min<std::size_t>(parsed->path().size(), 1)));
    for (const auto& parameter : parsed->params())
        parts.emplace_back(parameter.key, parameter.value);
    return parts;
}

std::string percent_encoded(const std::string& text)
{
    return boost::urls::encode(text, boost::urls::unreserved_chars);
}

server_address::server_address(const std::string& uri)
{
    for (auto& [keyword, value] : parts_of(uri)) {
        if (keyword == "host")
            host = std::move(value);
        else if (keyword == "port")
            port = std::move(value);
    }
}

std::uint16_t server_address::number() const
{
    std::uint16_t value = 0;
    std::from_chars(port.data(), port.data() + port.size(), value);
    return value;
}

asio::generic::stream_protocol::endpoint server_address::where() const
{
    if (is_local())
        return asio::local::stream_protocol::endpoint(host + "/.s.PGSQL." + port);
    return asio::ip::tcp::endpoint(asio::ip::make_address(host), number());
}

private_folder::private_folder()
{
    if (::mkdtemp(path_.data()) == nullptr)
        throw std::system_error(errno, std::generic_category(), "mkdtemp");
}

private_folder::~private_folder()
{
    std::error_code ignored; // what is left in /tmp hurts nobody
    std::filesystem::remove_all(path_, ignored);
}

} // namespace tradecore::faults
