// SPDX-License-Identifier: Apache-2.0
#include "simulate/databases.hpp"

#include "readmodel/projectors.hpp"
#include "simulate/schema_texts.hpp"

#include <tradecore/db/coroutines.hpp>
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

constexpr std::size_t default_connections = 16;
// What checks and administration use beside the pools.
constexpr unsigned further_connections = 16;

const std::map<std::string_view, std::string_view>& dsn_variables()
{
    static const std::map<std::string_view, std::string_view> names{
        {"POSTGRES_DSN", "tradecore"}, {"VB_POSTGRES_DSN", "tradecore_vb"}};
    return names;
}

/// What: the environment, with an embedded server's databases in place of the DSNs.
environment with_embedded(const environment& from, const embedded::server& server)
{
    return [&from, &server](std::string_view name) -> std::optional<std::string> {
        if (const auto found = dsn_variables().find(name); found != dsn_variables().end())
            return server.dsn(found->second);
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

database_options defaults(std::size_t connections)
{
    database_options made;
    made.pool = {.minimum = std::min<std::size_t>(connections, 4), .maximum = connections};
    return made;
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

std::string drop_all(const std::vector<readmodel::read_table>& tables)
{
    std::string script = "DROP SCHEMA IF EXISTS es CASCADE; DROP SCHEMA IF EXISTS proj CASCADE;"
                         "DROP SCHEMA IF EXISTS rebuild CASCADE;"
                         "DROP TABLE IF EXISTS public.tradecore_schema, public.simulation_run;";
    for (const auto& table : tables)
        script += fmt::format("DROP TABLE IF EXISTS public.{} CASCADE;", table.name);
    return script;
}

} // namespace

databases::databases(const options& wanted, const environment& from)
    : keep_(wanted.keep), from_(from), connections_(wanted.connections)
{
    const bool main_named = from("POSTGRES_DSN") || from("DATABASE_URL");
    const bool vb_named = from("VB_POSTGRES_DSN") || from("VB_DATABASE_URL");
    if (main_named != vb_named)
        throw configuration_error(
            main_named ? "VB_POSTGRES_DSN" : "POSTGRES_DSN",
            "not set, although the other database is named; set both, or none to use an embedded server");
    if (main_named && wanted.data)
        throw configuration_error(
            "POSTGRES_DSN", "set together with --data: it is either that server or an embedded one");
    const auto named = [&](std::string_view name) { return main_named ? from(name) : or_embedded(from, name); };
    if (!read_configuration(named).vb)
        throw configuration_error("ENABLE_VB_DATABASE", "false, but a simulation needs the virtual broker's database");
    if (main_named)
        return;
    const auto connections = static_cast<unsigned>(connections_.value_or(default_connections));
    embedded::options server;
    server.folder = wanted.data.value_or(std::filesystem::path());
    server.max_connections = 2 * 2 * connections + further_connections;
    server_ = std::make_unique<embedded::server>(std::move(server));
}

databases::~databases() = default;

void databases::start_server()
{
    if (server_)
        server_->start();
}

asio::awaitable<void> databases::connect()
{
    const auto from = server_ ? with_embedded(from_, *server_) : from_;
    const auto size = defaults(connections_.value_or(default_connections));
    main_options_ = read_database_options(from, "main", "", size);
    vb_options_ = read_database_options(from, "vb", "VB_", size);
    if (connections_)
        main_options_.pool = vb_options_.pool = size.pool;
    if (server_) {
        const auto there = co_await pg::connection::connect(
            co_await asio::this_coro::executor, pg::connect_options::parse(server_->dsn("postgres")));
        for (const auto& [variable, name] : dsn_variables()) {
            if (!co_await there->fetchval<bool>("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name))
                co_await there->execute(
                    runtime_sql(fmt::format("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'", name)));
        }
    }
    const auto executor = co_await asio::this_coro::executor;
    main_ = database(executor, main_options_);
    vb_ = database(executor, vb_options_);
    co_await when_all(main_.open(), vb_.open());
}

asio::awaitable<bool> databases::claim(const boost::json::object& run)
{
    if (!co_await has_table(main_, "public.simulation_run")) {
        for (auto* each : {&main_, &vb_})
            if (co_await has_table(*each, "public.tradecore_schema"))
                throw std::runtime_error(fmt::format(
                    "the database {} holds TradeCore's tables, but not of a simulation; it is left alone",
                    each->name()));
        co_await main_.run_script(
            {"CREATE TABLE public.simulation_run (one boolean PRIMARY KEY DEFAULT true CHECK (one),"
             " parameters jsonb NOT NULL, keep boolean NOT NULL)",
             nullptr});
        co_await main_.execute(
            "INSERT INTO public.simulation_run (parameters, keep) VALUES ($1, $2)", boost::json::value(run), keep_);
        co_return false;
    }
    const auto [there, kept] = (co_await main_.fetchrow<std::tuple<boost::json::value, bool>>(
                                    "SELECT parameters, keep FROM public.simulation_run"))
                                   .value_or(std::tuple(boost::json::value(boost::json::object()), false));
    if (there.as_object() == run) {
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
    co_await main_.run_script(runtime_sql(drop_all(readmodel::read_tables(readmodel::system::main))).text());
    co_await vb_.run_script(runtime_sql(drop_all(readmodel::read_tables(readmodel::system::vb))).text());
}

asio::awaitable<void> databases::close()
{
    if (!keep_ && !server_)
        co_await empty();
    co_await when_all(main_.close(), vb_.close());
    if (!keep_ && server_) {
        std::vector<std::string> commands;
        for (const auto& [variable, name] : dsn_variables())
            commands.push_back(fmt::format("DROP DATABASE {} WITH (FORCE)", name));
        co_await on_server(server_->dsn("postgres"), std::move(commands));
    }
}

} // namespace tradecore::app::simulate
