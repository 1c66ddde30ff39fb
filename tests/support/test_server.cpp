// SPDX-License-Identifier: Apache-2.0
#include "support/test_server.hpp"

#include "support/postgres.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdint>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <system_error>
#include <unistd.h>

namespace tradecore::test {
namespace {

embedded::options test_options(const std::filesystem::path& folder)
{
    embedded::options wanted;
    wanted.folder = folder;
    wanted.max_connections = 200;
    wanted.tcp_port = 0;
    wanted.settings = {
        {"fsync", "off"},
        {"full_page_writes", "off"},
        {"wal_compression", "off"},
        {"max_wal_size", "256MB"},
        {"shared_buffers", "64MB"}};
    wanted.hba_lines = {
        "local all tc_reject reject",
        "local all tc_scram reject",
        "local all tc_trust trust",
        "host all tc_reject 127.0.0.1/32 reject",
        "host all tc_trust 127.0.0.1/32 trust",
        "host all tc_password 127.0.0.1/32 password",
        "host all tc_md5 127.0.0.1/32 md5",
    };
    return wanted;
}

} // namespace

const std::filesystem::path& temporary_root()
{
    static const std::filesystem::path found = [] {
        constexpr auto in_memory = "/dev/shm";
        constexpr std::uintmax_t plenty = std::uintmax_t{4} << 30U;
        struct statvfs there{};
        const bool is_fit = ::statvfs(in_memory, &there) == 0 && (there.f_flag & (ST_RDONLY | ST_NOEXEC)) == 0 &&
                            std::uintmax_t{there.f_bavail} * there.f_frsize >= plenty &&
                            ::access(in_memory, W_OK | X_OK) == 0;
        return is_fit ? in_memory : "/tmp";
    }();
    return found;
}

temporary_folder::temporary_folder()
{
    std::string name = temporary_root() / "tradecore-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr)
        throw std::system_error{errno, std::generic_category(), "mkdtemp"};
    path_ = name;
}

temporary_folder::~temporary_folder()
{
    std::error_code ignored; // a folder left behind fails no test
    std::filesystem::remove_all(path_, ignored);
}

test_server::test_server() : server_{test_options(folder_.path())}
{
    server_.start();
    run_sql(
        server_.dsn(), fmt::format(
                           "CREATE ROLE tc_scram SUPERUSER LOGIN PASSWORD '{0}';"
                           "CREATE ROLE tc_password SUPERUSER LOGIN PASSWORD '{0}';"
                           "CREATE ROLE tc_trust SUPERUSER LOGIN;"
                           "CREATE ROLE tc_reject SUPERUSER LOGIN;"
                           "SET password_encryption = 'md5';"
                           "CREATE ROLE tc_md5 SUPERUSER LOGIN PASSWORD '{0}';",
                           scram_password));
}

std::string test_server::tcp_dsn() const
{
    return fmt::format(
        "postgresql://{}:{}@127.0.0.1:{}/postgres", scram_role, percent_encoded(scram_password), server_.port());
}

} // namespace tradecore::test
