// SPDX-License-Identifier: Apache-2.0
#include "db/home.hpp"

namespace tradecore::detail {
namespace asio = boost::asio;

asio::any_io_executor home_on(const asio::any_io_executor& executor, const database_options& options)
{
    if (options.used_by != threads::several)
        return executor;
    const auto& base = base_of(executor);
    // Not inside the strand that somebody happens to open the database on: two lines would become one.
    const auto* const strand = base.target<serial_executor>();
    return serial_executor::on(strand == nullptr ? base : strand->inner());
}

bool is_home(const asio::any_io_executor& executor, const database_core& core) noexcept
{
    const auto* const strand = base_of(executor).target<serial_executor>();
    const auto* const home = home_of(core);
    return strand != nullptr && home != nullptr && strand->is_same(*home);
}

} // namespace tradecore::detail
