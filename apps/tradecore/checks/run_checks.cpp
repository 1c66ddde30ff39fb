// SPDX-License-Identifier: Apache-2.0
#include "checks/checks.hpp"
#include "checks/names.hpp"

#include <tradecore/db/coroutines.hpp>

#include <exception>
#include <iterator>

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

// One system's checks, one after the other; the last two write, so nothing else looks at the system meanwhile.
boost::asio::awaitable<std::vector<check_result>>
check_system(database& where, events::event_store& store, system which, std::string source, database_options options)
{
    const auto projectors = which == system::main ? readmodel::make_main_projectors() : readmodel::make_vb_projectors();
    const std::string name{name_of(which)};
    std::vector<check_result> out;
    for (const auto& fold : model_folds(which))
        out.push_back(co_await guarded("read model " + fold.table, check_read_model(where, fold)));
    out.push_back(co_await guarded("streams " + name, check_streams(where, which)));
    out.push_back(co_await guarded("orders " + name, check_orders(where, which)));
    out.push_back(co_await guarded("money " + name, check_money(where, which)));
    out.push_back(
        co_await guarded("redelivery " + name, check_redelivery(where, store, which, projectors, std::move(source))));
    out.push_back(
        co_await guarded("rebuild " + name, check_rebuild(where, store, which, projectors, std::move(options))));
    co_return out;
}

} // namespace

boost::asio::awaitable<std::vector<check_result>> run_checks(check_context context)
{
    auto fills = co_await guarded("broker fills", check_broker_fills(context.main, context.vb));
    auto [out, vb] = co_await when_all(
        check_system(context.main, context.main_store, system::main, context.main_source, context.main_options),
        check_system(context.vb, context.vb_store, system::vb, context.vb_source, context.vb_options));
    out.insert(out.end(), std::make_move_iterator(vb.begin()), std::make_move_iterator(vb.end()));
    out.push_back(std::move(fills));
    co_return std::move(out);
}

} // namespace tradecore::app::checks
