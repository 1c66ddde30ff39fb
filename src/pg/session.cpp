// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/session.hpp>

namespace tradecore::pg::detail {

boost::asio::awaitable<command_tag> only_tag(boost::asio::awaitable<result> answer)
{
    const result rows = co_await std::move(answer);
    co_return rows.tag();
}

} // namespace tradecore::pg::detail
