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
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

namespace tradecore {
namespace asio = boost::asio;

database db("main");
database vb_db("vb");

namespace {

/// Databases beside main and vb, and the order in which all were opened. Any thread may look one up while another is
/// added; a database that is there stays.
class registry {
public:
    /// @returns null when there never was one.
    database* find(std::string_view name)
    {
        const std::lock_guard lock(mutex_);
        const auto found = further_.find(name);
        return found == further_.end() ? nullptr : found->second.get();
    }
    database& find_or_add(const std::string& name)
    {
        const std::lock_guard lock(mutex_);
        auto& slot = further_[name];
        if (!slot)
            slot = std::make_unique<database>(name);
        return *slot;
    }
    void add_names(std::vector<std::string>& to)
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [name, handle] : further_)
            to.push_back(name);
    }
    void note_opened(std::string name)
    {
        const std::lock_guard lock(mutex_);
        opened_.push_back(std::move(name));
    }
    /// @returns the one that was opened last, once; nothing when all were returned.
    std::optional<std::string> take_opened()
    {
        const std::lock_guard lock(mutex_);
        if (opened_.empty())
            return std::nullopt;
        auto last = std::move(opened_.back());
        opened_.pop_back();
        return last;
    }

private:
    std::mutex mutex_;
    std::map<std::string, std::unique_ptr<database>, std::less<>> further_;
    std::vector<std::string> opened_;
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
    return all().find(name);
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
    all().note_opened(name);
}

/// How many connections all workers make to the servers of a database.
struct sizes {
    sizes(const database_options& share, std::size_t workers)
        : primary(share.pool.maximum * workers),
          standbys(share.standbys.enabled ? share.standbys.pool.maximum * workers : 0)
    {}

    std::size_t primary;
    std::size_t standbys;
};

void add_sized(std::vector<sized_database>& to, const database& handle, const sizes& wanted)
{
    to.push_back({handle, wanted.primary});
    if (wanted.standbys > 0)
        to.push_back({handle.standbys(), wanted.standbys});
}

/// Opens main, and vb when the configuration has it, with this worker's share of the pools.
asio::awaitable<void> open_share(database_configuration whole)
{
    const auto workers = whole.workers;
    auto share = share_of_worker(std::move(whole));
    std::vector<sized_database> sized;
    const sizes of_main(share.main, workers);
    co_await open_as(db, std::move(share.main));
    add_sized(sized, db, of_main);
    std::exception_ptr failure;
    if (share.vb) {
        const sizes of_vb(*share.vb, workers);
        try {
            co_await open_as(vb_db, std::move(*share.vb));
            add_sized(sized, vb_db, of_vb);
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
    if (handle == nullptr)
        handle = &all().find_or_add(options.name);
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
    all().add_names(names);
    return names;
}

asio::awaitable<void> shutdown(std::chrono::milliseconds limit)
{
    std::exception_ptr failure;
    while (const auto name = all().take_opened()) {
        try {
            co_await get_database(*name).close(limit);
        }
        catch (...) {
            failure = std::current_exception();
        }
    }
    if (failure)
        std::rethrow_exception(failure);
}

} // namespace tradecore
