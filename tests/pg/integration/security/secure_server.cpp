// SPDX-License-Identifier: Apache-2.0
#include "secure_server.hpp"

#include "support/postgres.hpp"

#include <fmt/format.h>

#include <fstream>
#include <pwd.h>
#include <unistd.h>

namespace tradecore::test {

namespace fs = std::filesystem;

namespace {

// PostgreSQL does not run as root: root's servers run as the first of these that exists.
const passwd* process_account()
{
    if (::geteuid() != 0)
        return ::getpwuid(::geteuid());
    for (const char* const name : {"postgres", "daemon", "nobody"})
        if (const auto* const found = ::getpwnam(name))
            return found;
    return nullptr;
}

} // namespace

secure_server::secure_server()
    : own(make_certificate(
          {.common_name = "a database", .alternative_names = "DNS:localhost,DNS:db.example,IP:127.0.0.1"}, &authority)),
      server_((show(own), settings()))
{
    server_.start();
    std::string roles = "SET password_encryption = 'scram-sha-256';";
    for (const char* const role :
         {"sec_scram", "sec_password", "sec_trust", "sec_tls_only", "sec_plain_only", "sec_cert", "sec_cert_scram",
          "sec_read_only"})
        roles += fmt::format("CREATE ROLE {} LOGIN PASSWORD '{}';", role, secure_password);
    roles += fmt::format(
        "SET password_encryption = 'md5'; CREATE ROLE sec_md5 LOGIN PASSWORD '{}';"
        "ALTER ROLE sec_read_only SET default_transaction_read_only = on;",
        secure_password);
    roles += fmt::format(
        "SET password_encryption = 'scram-sha-256'; CREATE ROLE sec_letters LOGIN PASSWORD '{}';", secure_letters);
    run_sql(server_.dsn(), roles);
}

secure_server& secure_server::instance()
{
    static secure_server one;
    return one;
}

void secure_server::show(const certificate& shown) const
{
    fs::permissions(files_.path(), fs::perms{0755});
    (void)file("server.crt", shown.pem(), fs::perms{0644});
    (void)file("clients.crt", authority.pem(), fs::perms{0644});
    const auto key = file("server.key", shown.key_pem());
    if (const auto* const account = process_account(); account != nullptr && ::geteuid() == 0) {
        if (::chown(key.c_str(), account->pw_uid, account->pw_gid) != 0)
            throw std::runtime_error("cannot give the server its key");
    }
}

embedded::options secure_server::settings() const
{
    embedded::options wanted;
    wanted.folder = data_.path();
    wanted.tcp_port = 0;
    const auto path = [this](const char* name) { return (files_.path() / name).string(); };
    wanted.settings = {
        {"fsync", "off"},
        {"full_page_writes", "off"},
        {"shared_buffers", "16MB"},
        {"unix_socket_permissions", "0777"},
        {"ssl", "on"},
        {"ssl_cert_file", path("server.crt")},
        {"ssl_key_file", path("server.key")},
        {"ssl_ca_file", path("clients.crt")},
    };
    wanted.hba_lines = {
        "hostssl   all sec_cert       127.0.0.1/32 cert",
        "hostssl   all sec_cert_scram 127.0.0.1/32 scram-sha-256 clientcert=verify-full",
        "hostssl   all sec_tls_only   127.0.0.1/32 trust",
        "hostnossl all sec_tls_only   127.0.0.1/32 reject",
        "hostnossl all sec_plain_only 127.0.0.1/32 trust",
        "hostssl   all sec_plain_only 127.0.0.1/32 reject",
        "host      all sec_read_only  127.0.0.1/32 trust",
        "host      all sec_trust      127.0.0.1/32 trust",
        "host      all sec_md5        127.0.0.1/32 md5",
        "host      all sec_password   127.0.0.1/32 password",
        "host      all sec_letters    127.0.0.1/32 scram-sha-256",
        "host      all sec_scram      127.0.0.1/32 scram-sha-256",
        "local     all sec_trust      trust",
        "local     all sec_md5        md5",
        "local     all sec_password   password",
        "local     all sec_scram      scram-sha-256",
    };
    return wanted;
}

pg::connect_options secure_server::tcp(std::string role, std::string password) const
{
    pg::connect_options made;
    made.hosts = {{.host = "localhost", .hostaddr = "127.0.0.1", .port = port()}};
    made.user = std::move(role);
    made.database = "postgres";
    made.password = std::move(password);
    made.connect_timeout = std::chrono::minutes(1);
    return made;
}

pg::connect_options secure_server::local(std::string role, std::string password) const
{
    auto made = tcp(std::move(role), std::move(password));
    made.hosts = {{.host = server_.socket_folder().string(), .port = port()}};
    return made;
}

void secure_server::restart_with(const certificate& shown)
{
    server_.stop();
    show(shown);
    server_.start();
}

std::string secure_server::process_user()
{
    const auto* const account = process_account();
    return account == nullptr ? "" : account->pw_name;
}

std::string secure_server::file(const std::string& name, const std::string& text, fs::perms permissions) const
{
    const auto path = files_.path() / name;
    std::ofstream(path) << text;
    fs::permissions(path, permissions);
    return path.string();
}

} // namespace tradecore::test
