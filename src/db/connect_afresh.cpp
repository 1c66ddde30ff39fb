// SPDX-License-Identifier: Apache-2.0
#include "db/connect_afresh.hpp"

#include <tradecore/pg/error.hpp>

#include <utility>

namespace tradecore::detail {
namespace asio = boost::asio;

asio::awaitable<std::unique_ptr<pg::connection>>
connect_afresh(asio::any_io_executor executor, pg::connect_options options)
{
    const bool may_change = options.password.empty() && (options.provide_password || !options.passfile.empty());
    if (may_change) {
        try {
            co_return co_await pg::connection::connect(executor, options);
        }
        catch (const pg::invalid_password&) {
            // again, below: nothing may be awaited here
        }
    }
    co_return co_await pg::connection::connect(std::move(executor), std::move(options));
}

} // namespace tradecore::detail
