// SPDX-License-Identifier: Apache-2.0
#include <tradecore/db/ambient.hpp>
#include <tradecore/db/pool_sizing.hpp>
#include <tradecore/db/registry.hpp>
#include <tradecore/db/sizing_check.hpp>
#include <tradecore/observe/log.hpp>

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <exception>
#include <map>
#include <memory>
#include <stdexcept>
#include <utility>

namespace tradecore {
namespace asio = boost::asio;

database db("main");
database vb_db("vb");

namespace {

/// Databases beside main and vb, and the order in which all were opened.
struct registry {
    std::map<std::string, std::unique_ptr<database>, std::less<>> further;
    std::vector<std::string> opened;
};

registry& all()
{
    static registry instance;
    return instance;
}

database* find(std::string_view name)
{
    if (name == "main")
        return &db;
    if (name == "vb")
        return &vb_db;
    const auto found = all().further.find(name);
    return found == all().further.end() ? nullptr : found->second.get();
}

asio::awaitable<void> open_as(database& handle, database_options options)
{
    if (handle.is_open())
        throw std::invalid_argument("database '" + options.name + "' is open already");
    const auto executor = co_await asio::this_coro::executor;
    const auto name = options.name;
    database opened(without_context(executor), std::move(options));
    co_await opened.open();
    handle = opened;
    all().opened.push_back(name);
}

/// Opens main, and vb when the configuration has it, with this worker's share of the pools.
asio::awaitable<void> open_share(database_configuration whole)
{
    const auto workers = whole.workers;
    auto share = share_of_worker(std::move(whole));
    std::vector<sized_database> sized{{db, share.main.pool.maximum * workers}};
    co_await open_as(db, std::move(share.main));
    std::exception_ptr failure;
    if (share.vb) {
        sized.push_back({vb_db, share.vb->pool.maximum * workers});
        try {
            co_await open_as(vb_db, std::move(*share.vb));
        }
        catch (...) {
            failure = std::current_exception();
        }
    }
    if (failure) {
        co_await shutdown();
        std::rethrow_exception(failure);
    }
    co_await warn_about_sizing(std::move(sized), workers);
}

} // namespace

asio::awaitable<void> init_db_pool()
{
    const auto only_main = [from = process_environment()](std::string_view name) {
        return name == "ENABLE_VB_DATABASE" ? std::optional<std::string>("false") : from(name);
    };
    return open_share(read_configuration(only_main));
}

asio::awaitable<void> init_all()
{
    return init_all(read_configuration());
}

asio::awaitable<void> init_all(database_configuration configuration)
{
    if (!configuration.vb)
        vb_db = database::disabled("vb", "ENABLE_VB_DATABASE is false");
    return open_share(std::move(configuration));
}

asio::awaitable<std::reference_wrapper<database>> init_database(database_options options)
{
    database* handle = find(options.name);
    if (handle == nullptr) {
        auto& slot = all().further[options.name];
        slot = std::make_unique<database>(options.name);
        handle = slot.get();
    }
    co_await open_as(*handle, std::move(options));
    co_return *handle;
}

database& get_database(std::string_view name)
{
    if (auto* const found = find(name))
        return *found;
    throw std::out_of_range("there is no database '" + std::string(name) + "'");
}

pool& get_pool(std::string_view name)
{
    return get_database(name).pool();
}

std::vector<std::string> database_names()
{
    std::vector<std::string> names{"main", "vb"};
    for (const auto& [name, handle] : all().further)
        names.push_back(name);
    return names;
}

asio::awaitable<void> shutdown(std::chrono::milliseconds limit)
{
    std::exception_ptr failure;
    while (!all().opened.empty()) {
        const auto name = all().opened.back();
        all().opened.pop_back();
        try {
            co_await get_database(name).close(limit);
        }
        catch (...) {
            failure = std::current_exception();
        }
    }
    if (failure)
        std::rethrow_exception(failure);
}

} // namespace tradecore
