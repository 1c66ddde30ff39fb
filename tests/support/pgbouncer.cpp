// SPDX-License-Identifier: Apache-2.0
#include "support/pgbouncer.hpp"

#include "support/postgres.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <fstream>
#include <memory>
#include <pwd.h>
#include <stdexcept>
#include <unistd.h>

namespace tradecore::test {
namespace {

constexpr int pooler_port = 6432; // of a socket in a folder of its own: it is in nobody's way

/// What libpq makes of the test server's address.
struct address {
    std::string host;
    std::string port;

    explicit address(const std::string& uri)
    {
        const std::unique_ptr<PGconn, decltype(&PQfinish)> made{PQconnectdb(uri.c_str()), &PQfinish};
        if (PQstatus(made.get()) != CONNECTION_OK)
            throw std::runtime_error{PQerrorMessage(made.get())};
        host = PQhost(made.get());
        port = PQport(made.get());
    }
};

/// PgBouncer refuses to run as root; everybody has "nobody".
std::vector<std::string> command(const std::string& configuration)
{
    std::vector<std::string> words = {"/usr/sbin/pgbouncer"}; // where Debian has it
    if (::geteuid() == 0)
        words.insert(words.end(), {"-u", "nobody"});
    words.push_back(configuration);
    return words;
}

void give_to_nobody(const std::filesystem::path& path)
{
    if (::geteuid() != 0)
        return;
    const passwd* const nobody = ::getpwnam("nobody");
    if (nobody == nullptr || ::chown(path.c_str(), nobody->pw_uid, nobody->pw_gid) != 0)
        throw std::runtime_error{"cannot give " + path.string() + " to nobody"};
}

} // namespace

pgbouncer::pgbouncer(const std::vector<std::string>& settings)
{
    const address by_tcp(test::tcp_dsn_for("tc_trust", ""));
    configuration_ = folder_.path() / "pgbouncer.ini";
    {
        std::ofstream file{configuration_};
        file << fmt::format(
            "[databases]\n"
            "* = host={0} port={1} user=tc_trust\n"
            "[pgbouncer]\n"
            "pool_mode = transaction\n"
            "auth_type = any\n"
            "listen_addr =\n"
            "listen_port = {2}\n"
            "unix_socket_dir = {3}\n"
            "default_pool_size = 1\n"
            "server_reset_query_always = 0\n",
            by_tcp.host, by_tcp.port, pooler_port, folder_.path().string());
        for (const auto& line : settings)
            file << line << '\n';
    }
    give_to_nobody(folder_.path());
    give_to_nobody(configuration_);
    start();
}

void pgbouncer::stop()
{
    process_.reset();
}

void pgbouncer::start()
{
    process_ = std::make_unique<child_process>(command(configuration_));
    if (!process_->wait_for_line("process up"))
        throw std::runtime_error{"pgbouncer did not start: " + process_->wait().err};
}

std::string pgbouncer::dsn() const
{
    return fmt::format(
        "postgresql://tc_trust@/{}?host={}&port={}&prepared_statements=unnamed", database_.name(),
        folder_.path().string(), pooler_port);
}

} // namespace tradecore::test
