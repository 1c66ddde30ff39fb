// SPDX-License-Identifier: Apache-2.0
#include "db/home.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

namespace tradecore::detail {
namespace asio = boost::asio;

namespace {

/// @returns what a strand is on; anything else itself.
asio::any_io_executor below_strand(const asio::any_io_executor& executor)
{
    const auto& base = base_of(executor);
    if (const auto* const ours = base.target<serial_executor>())
        return ours->inner();
    if (const auto* const strand = base.target<asio::strand<asio::any_io_executor>>())
        return base_of(strand->get_inner_executor());
    if (const auto* const strand = base.target<asio::strand<asio::io_context::executor_type>>())
        return strand->get_inner_executor();
    return base;
}

} // namespace

asio::any_io_executor home_on(const asio::any_io_executor& executor, const database_options& options)
{
    if (options.used_by != threads::several)
        return executor;
    // Not inside the strand that somebody happens to open the database on: two lines would become one.
    return serial_executor::on(below_strand(executor));
}

bool is_home(const asio::any_io_executor& executor, const database_core& core) noexcept
{
    const auto* const strand = base_of(executor).target<serial_executor>();
    const auto* const home = home_of(core);
    return strand != nullptr && home != nullptr && strand->is_same(*home);
}

} // namespace tradecore::detail
