// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/db/physical_connection.hpp>

#include <utility>

namespace tradecore::bench {

/// A connection that answers at once, without a server: what is measured around it is not its own.
class idle_connection final : public physical_connection {
public:
    boost::asio::awaitable<pg::result> run(pg::statement /*what*/) override { co_return pg::result(); }
    boost::asio::awaitable<pg::result> run_kept(const pg::statement& /*what*/) override { co_return pg::result(); }
    boost::asio::awaitable<std::vector<pg::result>> run_script(sql_text /*text*/, pg::call_options /*options*/) override
    {
        co_return std::vector<pg::result>();
    }
    void close() noexcept override { open_ = false; }
    [[nodiscard]] bool is_open() const noexcept override { return open_; }
    [[nodiscard]] std::size_t in_flight() const noexcept override { return 0; }
    [[nodiscard]] pg::transaction_status status() const noexcept override { return pg::transaction_status::idle; }
    [[nodiscard]] std::int32_t backend_pid() const noexcept override { return 1; }
    [[nodiscard]] std::string_view parameter(std::string_view /*name*/) const noexcept override { return {}; }
    [[nodiscard]] bool can_be_shared() const noexcept override { return true; }

private:
    bool open_ = true;
};

inline boost::asio::awaitable<std::unique_ptr<physical_connection>> make_idle_connection()
{
    co_return std::make_unique<idle_connection>();
}

} // namespace tradecore::bench
