// SPDX-License-Identifier: Apache-2.0
#include "simulate/databases.hpp"

#include "readmodel/projectors.hpp"
#include "service/repeat.hpp"
#include "simulate/locks.hpp"
#include "simulate/schema_texts.hpp"

#include <tradecore/db/coroutines.hpp>
#include <tradecore/db/pool_sizing.hpp>
#include <tradecore/db/sizing_check.hpp>
#include <tradecore/pg/connection.hpp>
#include <tradecore/schema/schema_file.hpp>

#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace tradecore::app::simulate {

namespace asio = boost::asio;

namespace {

constexpr std::size_t default_connections_each = 2;
constexpr std::size_t most_kept_idle = 4; // few connect here
constexpr std::chrono::seconds longest_pause_between_connects{1};
// What checks and administration use beside the pools.
constexpr unsigned further_connections = 16;

const std::map<std::string_view, std::string_view>& dsn_variables()
{
    static const std::map<std::string_view, std::string_view> names{
        {"POSTGRES_DSN", "tradecore"}, {"VB_POSTGRES_DSN", "tradecore_vb"}};
    return names;
}

/// What: the environment, with an embedded server's databases in place of the DSNs.
environment with_dsns(const environment& from, const std::map<std::string, std::string>& dsns)
{
    return [&from, &dsns](std::string_view name) -> std::optional<std::string> {
        if (const auto found = dsns.find(std::string(name)); found != dsns.end())
            return found->second;
        return from(name);
    };
}

/// What: the environment before an embedded server runs: its DSNs are only there to be there.
std::optional<std::string> or_embedded(const environment& from, std::string_view name)
{
    if (const auto found = dsn_variables().find(name); found != dsn_variables().end())
        return "postgresql:///" + std::string(found->second);
    return from(name);
}

bool is_set(const environment& from, const std::string& name)
{
    return !from(name).value_or("").empty();
}

asio::awaitable<void> on_server(std::string dsn, std::vector<std::string> commands)
{
    const auto admin =
        co_await pg::connection::connect(co_await asio::this_coro::executor, pg::connect_options::parse(dsn));
    for (const auto& command : commands)
        co_await admin->execute(runtime_sql(command));
}

asio::awaitable<bool> has_table(database& in, std::string name)
{
    return in.fetchval<bool>("SELECT to_regclass($1) IS NOT NULL", name);
}

std::string first_difference(const boost::json::object& there, const boost::json::object& wanted)
{
    for (const auto& [name, value] : wanted) {
        const auto* other = there.if_contains(name);
        if (other == nullptr || *other != value)
            return fmt::format(
                "{} {} there, {} now", std::string_view(name),
                other == nullptr ? "none" : boost::json::serialize(*other), boost::json::serialize(value));
    }
    return "other parameters";
}

/// What: a process's part of a pool. Params: `named` is what says how large the pool is, `by_default` whether it does.
pool_options part_of(const pool_options& whole, std::size_t processes, const std::string& named, bool by_default)
{
    if (processes == 1)
        return whole;
    if (whole.maximum < processes)
        throw configuration_error(
            named, fmt::format(
                       "{} connections{} are too few for {} workers and the process that starts them", whole.maximum,
                       by_default ? ", the default," : "", processes - 1));
    return share_of_worker(whole, processes);
}

std::string drop_all(const std::vector<readmodel::read_table>& tables)
{
    std::string script = "DROP SCHEMA IF EXISTS es CASCADE; DROP SCHEMA IF EXISTS proj CASCADE;"
                         "DROP SCHEMA IF EXISTS rebuild CASCADE;"
                         "DROP TABLE IF EXISTS public.tradecore_schema, public.simulation_run;";
    for (const auto& table : tables)
        script += fmt::format("DROP TABLE IF EXISTS public.{} CASCADE;", table.name);
    return script;
}

std::runtime_error in_use(std::string_view name)
{
    return std::runtime_error(fmt::format("another program runs a simulation in the database {}", name));
}

} // namespace

databases::databases(const options& wanted, const environment& from)
    : keep_(wanted.keep), from_(from), connections_(wanted.connections), workers_(wanted.workers)
{
    const bool main_named = is_set(from, "POSTGRES_DSN") || is_set(from, "DATABASE_URL");
    const bool vb_named = is_set(from, "VB_POSTGRES_DSN") || is_set(from, "VB_DATABASE_URL");
    if (main_named != vb_named)
        throw configuration_error(
            main_named ? "VB_POSTGRES_DSN" : "POSTGRES_DSN",
            "not set, although the other database is named; set both, or none to use an embedded server");
    if (main_named && wanted.data)
        throw configuration_error(
            "POSTGRES_DSN", "set together with --data: it is either that server or an embedded one");
    if (main_named && wanted.chaos)
        throw configuration_error(
            "POSTGRES_DSN",
            "set together with --chaos, which ends sessions and restarts the server: it does that to an "
            "embedded one only");
    const environment named =
        main_named ? from : environment([&](std::string_view name) { return or_embedded(from, name); });
    read_options(named);
    const auto connections = main_options_.pool.maximum + vb_options_.pool.maximum;
    divide_pools();
    if (main_named)
        return;
    embedded::options server;
    server.folder = wanted.data.value_or(std::filesystem::path());
    server.max_connections =
        static_cast<unsigned>(recommended_max_connections(connections) + workers_) + further_connections;
    server_ = std::make_unique<embedded::server>(std::move(server));
    if (wanted.chaos)
        plan_ = chaos::plan(*wanted.chaos, wanted.orders);
}

databases::~databases()
{
    disturber_.reset(); // before the server that it disturbs
}

void databases::start_server()
{
    if (server_ && !plan_.empty()) {
        disturber_ = std::make_unique<chaos::disturber>(*server_, plan_);
        disturber_->start();
    }
    else if (server_) {
        server_->start();
    }
}

std::size_t databases::default_connections() const
{
    return workers_ == 1 ? fewest_default_connections
                         : std::max(fewest_default_connections, default_connections_each * (workers_ + 1));
}

void databases::read_options(const environment& from)
{
    auto whole = read_configuration(from);
    if (!whole.vb)
        throw configuration_error("ENABLE_VB_DATABASE", "false, but a simulation needs the virtual broker's database");
    main_options_ = std::move(whole.main);
    vb_options_ = *std::move(whole.vb);
    size_pool(main_options_.pool, from, "");
    size_pool(vb_options_.pool, from, "VB_");
}

void databases::size_pool(pool_options& pool, const environment& from, const std::string& prefix) const
{
    // Nobody's patience outlasts a server's absence by much.
    pool.connect_backoff_limit = longest_pause_between_connects;
    if (!connections_ && (is_set(from, prefix + "PG_POOL_MIN_SIZE") || is_set(from, prefix + "PG_POOL_MAX_SIZE")))
        return;
    pool.maximum = connections_.value_or(default_connections());
    pool.minimum = std::min(pool.maximum, most_kept_idle);
}

void databases::divide_pools()
{
    const auto divide = [this](pool_options& pool, const std::string& variable) {
        pool = part_of(
            pool, processes(), connections_ ? "--connections" : variable, !connections_ && !is_set(from_, variable));
    };
    divide(main_options_.pool, "PG_POOL_MAX_SIZE");
    divide(vb_options_.pool, "VB_PG_POOL_MAX_SIZE");
}

asio::awaitable<void> databases::connect()
{
    if (server_) {
        const auto dsns = worker_variables();
        read_options(with_dsns(from_, dsns));
        divide_pools();
        const auto there = co_await pg::connection::connect(
            co_await asio::this_coro::executor, pg::connect_options::parse(server_->dsn("postgres")));
        for (const auto& [variable, name] : dsn_variables()) {
            if (!co_await there->fetchval<bool>("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name))
                co_await there->execute(
                    runtime_sql(fmt::format("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'", name)));
        }
    }
    co_await lock();
    co_await open_both();
    // Each process has a connection for its lock, the first one two.
    co_await warn_about_sizing(
        {{main_, processes() * main_options_.pool.maximum + processes()},
         {vb_, processes() * vb_options_.pool.maximum + 1}},
        workers_);
}

asio::awaitable<void> databases::open_both()
{
    const auto executor = co_await asio::this_coro::executor;
    main_ = database(executor, main_options_);
    vb_ = database(executor, vb_options_);
    co_await when_all(main_.open(), vb_.open());
}

asio::awaitable<void> databases::join()
{
    service::repeater by("beginnings of a worker");
    const auto lock = [this] { return lock_for_worker(); };
    const auto open = [this] { return open_both(); };
    co_await service::until_answered(by, lock);
    co_await service::until_answered(by, open);
}

asio::awaitable<void> databases::lock_for_worker()
{
    locks_.clear();
    auto& main = locks_.emplace_back("main", &lock_as_worker);
    co_await main.connect(main_options_.connect);
    if (!co_await main.take())
        throw in_use("main");
}

asio::awaitable<void> databases::keep_locked(asio::awaitable<void> work)
{
    std::vector<asio::awaitable<void>> all;
    all.push_back(stop_keeping_after(std::move(work)));
    for (auto& lock : locks_)
        all.push_back(lock.keep());
    co_await when_all(std::move(all));
}

asio::awaitable<void> databases::stop_keeping_after(asio::awaitable<void> work)
{
    co_await std::move(work);
    for (auto& lock : locks_)
        lock.stop_keeping();
}

asio::awaitable<void> databases::settle()
{
    service::repeater by("the databases");
    const auto ask_main = [this] { return main_.fetchval<int>("SELECT 1"); };
    const auto ask_vb = [this] { return vb_.fetchval<int>("SELECT 1"); };
    static_cast<void>(co_await service::until_answered(by, ask_main));
    static_cast<void>(co_await service::until_answered(by, ask_vb));
}

std::uint64_t databases::repeated() const
{
    const auto main = main_.statistics().retries;
    const auto vb = vb_.statistics().retries;
    return main.after_outages + main.after_conflicts + vb.after_outages + vb.after_conflicts;
}

asio::awaitable<void> databases::leave()
{
    co_await when_all(main_.close(), vb_.close());
    locks_.clear();
}

std::map<std::string, std::string> databases::worker_variables() const
{
    std::map<std::string, std::string> all;
    if (server_)
        for (const auto& [variable, name] : dsn_variables())
            all.emplace(
                variable, !disturber_                  ? server_->dsn(name)
                          : variable == "POSTGRES_DSN" ? disturber_->dsn(chaos::database_name::main)
                                                       : disturber_->dsn(chaos::database_name::vb));
    return all;
}

asio::awaitable<void> databases::lock()
{
    locks_.clear();
    locks_.reserve(2);
    auto& main = locks_.emplace_back("main", &lock_simulation);
    auto& vb = locks_.emplace_back("vb", &lock_simulation);
    co_await main.connect(main_options_.connect);
    co_await vb.connect(vb_options_.connect);
    if (!co_await main.take() || !co_await workers_are_gone(main.session()))
        throw in_use("main");
    // Advisory locks belong to a database: if it has ours already, both names lead to the same one.
    const auto is_main = co_await vb.session().fetchval<bool>(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = $1"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
        main.session().backend_pid());
    if (is_main)
        throw configuration_error("VB_POSTGRES_DSN", "names the same database as POSTGRES_DSN");
    if (!co_await vb.take())
        throw in_use("vb");
}

asio::awaitable<void> databases::require_nothing_foreign()
{
    for (const auto which : {readmodel::system::main, readmodel::system::vb}) {
        auto& in = which == readmodel::system::main ? main_ : vb_;
        std::vector<std::string> tables{"tradecore_schema"};
        for (const auto& table : readmodel::read_tables(which))
            tables.push_back(table.name);
        const auto found = co_await in.fetch<std::string>(
            "SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname IN ('es', 'proj', 'rebuild')"
            " UNION ALL SELECT 'table ' || name FROM unnest($1::text[]) AS name"
            " WHERE to_regclass('public.' || quote_ident(name)) IS NOT NULL ORDER BY 1",
            tables);
        if (!found.empty())
            throw std::runtime_error(fmt::format(
                "the database {} has a {} that is not of a simulation; nothing was changed, name an empty database",
                in.name(), found.front()));
    }
}

asio::awaitable<bool> databases::claim(const boost::json::object& run)
{
    if (!co_await has_table(main_, "public.simulation_run")) {
        co_await require_nothing_foreign();
        co_await main_.run_script(
            {"CREATE TABLE public.simulation_run (one boolean PRIMARY KEY DEFAULT true CHECK (one),"
             " parameters jsonb NOT NULL, keep boolean NOT NULL)",
             nullptr});
        co_await main_.execute(
            "INSERT INTO public.simulation_run (parameters, keep) VALUES ($1, $2)", boost::json::value(run), keep_);
        co_return false;
    }
    // A table without its row is what was being dropped when the program was killed.
    const auto [there, kept] = (co_await main_.fetchrow<std::tuple<boost::json::value, bool>>(
                                    "SELECT parameters, keep FROM public.simulation_run"))
                                   .value_or(std::tuple(boost::json::value(boost::json::object()), false));
    if (there.as_object() == run) {
        keep_ = keep_ || kept;
        co_await main_.execute("UPDATE public.simulation_run SET keep = $1", keep_);
        co_return true;
    }
    if (kept)
        throw std::runtime_error(fmt::format(
            "the databases hold another run that is to be kept ({}); give its parameters to go on with it, or another "
            "--data",
            first_difference(there.as_object(), run)));
    co_await empty();
    co_return co_await claim(run);
}

asio::awaitable<void> databases::apply_schemas()
{
    const auto apply = [](database& to, std::string name, std::string_view text) {
        return schema::run_schema(to, std::move(name), std::string(text));
    };
    co_await apply(main_, "event_store.sql", schema_texts::event_store);
    co_await apply(main_, "projection.sql", schema_texts::projection);
    co_await apply(main_, "tradecore.sql", schema_texts::tradecore);
    co_await apply(vb_, "event_store.sql", schema_texts::event_store);
    co_await apply(vb_, "projection.sql", schema_texts::projection);
    co_await apply(vb_, "tradecore_vb.sql", schema_texts::tradecore_vb);
}

asio::awaitable<bool> databases::open(boost::json::object run)
{
    co_await connect();
    const bool resumed = co_await claim(run);
    co_await apply_schemas();
    co_return resumed;
}

asio::awaitable<void> databases::empty()
{
    // The claim ends first and its table goes last: whoever is killed in between leaves something to be emptied.
    co_await main_.run_script({"DELETE FROM public.simulation_run", nullptr});
    co_await vb_.run_script(runtime_sql(drop_all(readmodel::read_tables(readmodel::system::vb))).text());
    co_await main_.run_script(runtime_sql(drop_all(readmodel::read_tables(readmodel::system::main))).text());
}

asio::awaitable<void> databases::close()
{
    if (!keep_ && !server_)
        co_await empty();
    if (!keep_ && server_)
        co_await main_.run_script({"DELETE FROM public.simulation_run", nullptr});
    co_await when_all(main_.close(), vb_.close());
    locks_.clear();
    if (!keep_ && server_)
        co_await on_server(
            server_->dsn("postgres"),
            {"DROP DATABASE tradecore_vb WITH (FORCE)", "DROP DATABASE tradecore WITH (FORCE)"});
}

} // namespace tradecore::app::simulate
