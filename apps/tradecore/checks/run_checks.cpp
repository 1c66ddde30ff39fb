// SPDX-License-Identifier: Apache-2.0
#include "checks/checks.hpp"

#include <exception>

namespace tradecore::app::checks {

namespace {

// An error is a failed check with the name it was asked under.
boost::asio::awaitable<check_result> guarded(std::string name, boost::asio::awaitable<check_result> check)
{
    try {
        co_return co_await std::move(check);
    }
    catch (const std::exception& error) {
        co_return check_result{std::move(name), false, error.what()};
    }
}

} // namespace

boost::asio::awaitable<std::vector<check_result>> run_checks(check_context context)
{
    database& main = context.main;
    database& vb = context.vb;
    const auto main_projectors = readmodel::make_main_projectors();
    const auto vb_projectors = readmodel::make_vb_projectors();

    std::vector<check_result> out;
    for (const auto& fold : model_folds(system::main))
        out.push_back(co_await guarded("read model " + fold.table, check_read_model(main, fold)));
    for (const auto& fold : model_folds(system::vb))
        out.push_back(co_await guarded("read model " + fold.table, check_read_model(vb, fold)));
    out.push_back(co_await guarded("streams main", check_streams(main, system::main)));
    out.push_back(co_await guarded("streams vb", check_streams(vb, system::vb)));
    out.push_back(co_await guarded("orders main", check_orders(main, system::main)));
    out.push_back(co_await guarded("orders vb", check_orders(vb, system::vb)));
    out.push_back(co_await guarded("money main", check_money(main, system::main)));
    out.push_back(co_await guarded("money vb", check_money(vb, system::vb)));
    out.push_back(co_await guarded("broker fills", check_broker_fills(main, vb)));
    out.push_back(co_await guarded(
        "redelivery main",
        check_redelivery(main, context.main_store, system::main, main_projectors, context.main_source)));
    out.push_back(co_await guarded(
        "redelivery vb", check_redelivery(vb, context.vb_store, system::vb, vb_projectors, context.vb_source)));
    out.push_back(co_await guarded(
        "rebuild main", check_rebuild(main, context.main_store, system::main, main_projectors, context.main_options)));
    out.push_back(co_await guarded(
        "rebuild vb", check_rebuild(vb, context.vb_store, system::vb, vb_projectors, context.vb_options)));
    co_return out;
}

} // namespace tradecore::app::checks
