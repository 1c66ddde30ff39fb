// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tradecore::faults {

/// @returns what a URI says, by keyword; what it does not say is not there.
/// @throws std::runtime_error when it is none.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> parts_of(const std::string& uri);

[[nodiscard]] std::string percent_encoded(const std::string& text);

/// Where a server listens.
struct server_address {
    std::string host{};
    std::string port = "5432";

    explicit server_address(const std::string& uri);
    [[nodiscard]] bool is_local() const { return host.starts_with('/'); }
    [[nodiscard]] std::uint16_t number() const;
    [[nodiscard]] boost::asio::generic::stream_protocol::endpoint where() const;
};

/// Where a gate listens that stands before a Unix socket.
class private_folder {
public:
    private_folder();
    ~private_folder();
    private_folder(const private_folder&) = delete;
    private_folder& operator=(const private_folder&) = delete;

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

private:
    std::string path_ = "/tmp/tradecore-gate-XXXXXX";
};

} // namespace tradecore::faults
