// SPDX-License-Identifier: Apache-2.0
#include "support/replicated_servers.hpp"

#include "support/child_process.hpp"
#include "support/postgres.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <signal.h>
#include <stdexcept>
#include <utility>

namespace tradecore::test {
namespace fs = std::filesystem;
namespace {

void run_to_success(std::vector<std::string> command)
{
    const auto program = command.front();
    const auto ended = run_program(std::move(command));
    if (ended.status != 0)
        throw std::runtime_error(program + ": " + ended.err);
}

} // namespace

replicated_servers::replicated_servers(const std::string& sql, std::map<std::string, std::string> settings)
    : settings_(std::move(settings))
{
    start(0, false);
    if (!sql.empty())
        at_primary(sql);
    stop_primary();
    run_to_success({"/bin/cp", "-a", folders_[0].path().string() + "/.", folders_[1].path().string()});
    start(0, false);
    start(1, true);
}

std::string replicated_servers::host(std::size_t which) const
{
    return servers_.at(which)->socket_folder().string();
}

std::string replicated_servers::dsn(const std::string& attributes) const
{
    return fmt::format(
        "postgresql://tradecore@/postgres?host={},{}&port={},{}{}{}", percent_encoded(host(0)),
        percent_encoded(host(1)), servers_[0]->port(), servers_[1]->port(), attributes.empty() ? "" : "&", attributes);
}

std::string replicated_servers::at_primary(const std::string& sql) const
{
    return run_sql(primary_dsn(), sql);
}

std::string replicated_servers::at_standby(const std::string& sql) const
{
    return run_sql(standby_dsn(), sql);
}

embedded::options replicated_servers::options_for(std::size_t which) const
{
    embedded::options wanted;
    wanted.folder = folders_.at(which).path();
    wanted.max_connections = 100;
    wanted.settings = {
        {"fsync", "off"},
        {"shared_buffers", "16MB"},
        {"wal_keep_size", "256MB"},
        {"wal_retrieve_retry_interval", "100ms"},
        {"wal_compression", "off"},
        {"primary_conninfo",
         fmt::format("host={}/run port=5432 user=tradecore", folders_.at(1 - which).path().string())}};
    for (const auto& [name, value] : settings_)
        wanted.settings[name] = value;
    wanted.hba_lines = {"local replication all trust", "local all plain trust"};
    return wanted;
}

void replicated_servers::start(std::size_t which, bool as_standby)
{
    const auto signal = folders_.at(which).path() / "data/standby.signal";
    if (as_standby)
        std::ofstream(signal).flush();
    servers_.at(which) = std::make_unique<embedded::server>(options_for(which));
    servers_.at(which)->start();
}

void replicated_servers::make_synchronous() const
{
    while (at_primary("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") != "1") {
    }
    at_primary("ALTER SYSTEM SET synchronous_standby_names = '*'");
    at_primary("SELECT pg_reload_conf()");
    while (at_primary("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") != "1") {
    }
}

void replicated_servers::crash_primary()
{
    ::kill(servers_.at(primary_)->pid(), SIGQUIT);
    servers_.at(primary_)->stop();
}

void replicated_servers::stop_primary()
{
    servers_.at(primary_)->stop();
}

void replicated_servers::promote()
{
    if (at_standby("SELECT pg_promote()") != "t")
        throw std::runtime_error("the standby is not promoted");
    primary_ = 1 - primary_;
}

void replicated_servers::rejoin_with_copy()
{
    const auto returning = 1 - primary_;
    const auto data = folders_.at(returning).path() / "data";
    const auto programs = fs::read_symlink(fmt::format("/proc/{}/exe", servers_.at(primary_)->pid())).parent_path();
    fs::remove_all(data);
    run_to_success(
        {(programs / "pg_basebackup").string(), "-h", host(primary_), "-p",
         std::to_string(servers_.at(primary_)->port()), "-U", "tradecore", "-D", data.string(), "-X", "stream", "-c",
         "fast"});
    run_to_success(
        {"/bin/chown", "-R", "--reference=" + (folders_.at(primary_).path() / "data").string(), data.string()});
    start(returning, true);
}

void replicated_servers::rejoin()
{
    start(1 - primary_, true);
}

void replicated_servers::disconnect_standby()
{
    at_standby("ALTER SYSTEM SET primary_conninfo = ''");
    at_standby("SELECT pg_reload_conf()");
    while (at_standby("SELECT count(*) FROM pg_stat_wal_receiver") != "0") {
    }
}

void replicated_servers::connect_standby()
{
    at_standby("ALTER SYSTEM RESET primary_conninfo");
    at_standby("SELECT pg_reload_conf()");
}

} // namespace tradecore::test
