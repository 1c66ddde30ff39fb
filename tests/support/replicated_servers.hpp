// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/test_server.hpp"

#include <tradecore/embedded/server.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace tradecore::test {

/// Two servers of one cluster at sockets of their own: a primary, and a hot standby that streams from it. They may
/// change places. Each keeps its address.
class replicated_servers {
public:
    /// @param sql run on the primary before there is a standby.
    /// @param settings of both, further ones.
    explicit replicated_servers(const std::string& sql = {}, std::map<std::string, std::string> settings = {});
    replicated_servers(const replicated_servers&) = delete;
    replicated_servers& operator=(const replicated_servers&) = delete;
    replicated_servers(replicated_servers&&) = delete;
    replicated_servers& operator=(replicated_servers&&) = delete;
    ~replicated_servers() = default;

    /// @returns a URI with both servers, the one that was the primary at first before the other.
    /// @param attributes such as "target_session_attrs=read-write"; empty for none.
    [[nodiscard]] std::string dsn(const std::string& attributes = {}) const;
    [[nodiscard]] std::string primary_dsn() const { return servers_.at(primary_)->dsn(); }
    [[nodiscard]] std::string standby_dsn() const { return servers_.at(1 - primary_)->dsn(); }
    /// @returns the socket folders.
    [[nodiscard]] std::string primary_host() const { return host(primary_); }
    [[nodiscard]] std::string standby_host() const { return host(1 - primary_); }

    /// @returns the first value.
    std::string at_primary(const std::string& sql) const; // NOLINT(modernize-use-nodiscard)
    std::string at_standby(const std::string& sql) const; // NOLINT(modernize-use-nodiscard)
    /// From now on no commit is acknowledged that the standby has not on its disk. Holds for this primary only.
    void make_synchronous() const;

    /// The primary is gone at once, as in a crash; nobody takes its place yet.
    void crash_primary();
    /// The primary is shut down in order, when the standby has all of it.
    void stop_primary();
    /// The standby becomes the primary; it takes writes when this returns.
    void promote();
    /// The other one, which was the primary, begins again as a standby: in order to follow the new primary it takes
    /// over the data of that.
    void rejoin_with_copy();
    /// The same with its own data, which must not have gone beyond what the new primary has.
    void rejoin();
    /// The standby follows the primary no more, until it does again.
    void disconnect_standby();
    void connect_standby();

private:
    [[nodiscard]] std::string host(std::size_t which) const;
    [[nodiscard]] embedded::options options_for(std::size_t which) const;
    void start(std::size_t which, bool as_standby);

    std::map<std::string, std::string> settings_;
    std::array<temporary_folder, 2> folders_;
    std::array<std::unique_ptr<embedded::server>, 2> servers_;
    std::size_t primary_ = 0;
};

} // namespace tradecore::test
