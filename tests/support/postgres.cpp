// SPDX-License-Identifier: Apache-2.0
#include "support/postgres.hpp"

#include "support/test_server.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <unistd.h>

namespace tradecore::test {
namespace {

struct addresses {
    std::string socket;
    std::string tcp;
};

std::string environment(const char* name)
{
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

const addresses& server()
{
    static const addresses found = [] {
        if (std::string given = environment("TRADECORE_TEST_DSN"); !given.empty())
            return addresses{std::move(given), environment("TRADECORE_TEST_TCP_DSN")};
        if (const std::string folder = environment("TRADECORE_TEST_POSTGRES"); !folder.empty()) {
            addresses noted;
            std::ifstream file{folder + "/dsn"};
            if (!std::getline(file, noted.socket) || !std::getline(file, noted.tcp))
                throw std::runtime_error{
                    folder + "/dsn does not name a server (run 'test_postgres start " + folder + "')"};
            return noted;
        }
        static const test_server own;
        return addresses{own.dsn(), own.tcp_dsn()};
    }();
    return found;
}

const std::string& tcp_server()
{
    if (server().tcp.empty())
        throw std::runtime_error{"TRADECORE_TEST_DSN is set, TRADECORE_TEST_TCP_DSN is not"};
    return server().tcp;
}

using connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using result = std::unique_ptr<PGresult, decltype(&PQclear)>;

connection connect(const std::string& uri)
{
    connection made{PQconnectdb(uri.c_str()), &PQfinish};
    if (PQstatus(made.get()) != CONNECTION_OK)
        throw std::runtime_error{PQerrorMessage(made.get())};
    PQsetNoticeProcessor(made.get(), [](void*, const char*) {}, nullptr);
    return made;
}

} // namespace

std::string dsn(std::string_view database)
{
    return with_database(server().socket, database);
}

std::string tcp_dsn(std::string_view database)
{
    return with_database(tcp_server(), database);
}

std::string tcp_dsn_for(std::string_view role, std::string_view password, std::string_view database)
{
    const std::string uri = tcp_dsn(database);
    const auto scheme = uri.find("://") + 3;
    const auto at = uri.find('@', scheme);
    std::string who = percent_encoded(role);
    if (!password.empty())
        who += ":" + percent_encoded(password);
    return uri.substr(0, scheme) + who + uri.substr(at);
}

std::string socket_folder()
{
    return PQhost(connect(dsn()).get());
}

std::uint16_t port()
{
    const std::string text = PQport(connect(dsn()).get());
    std::uint16_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::string with_database(std::string_view uri, std::string_view database)
{
    const auto scheme = uri.find("://");
    if (scheme == std::string_view::npos)
        throw std::runtime_error{"a test DSN must be a URI"};
    const auto end = std::min(uri.find('?', scheme), uri.size());
    const auto path = std::min(uri.find('/', scheme + 3), end);
    return fmt::format("{}/{}{}", uri.substr(0, path), percent_encoded(database), uri.substr(end));
}

std::string percent_encoded(std::string_view text)
{
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte | 0x20U) - 'a' < 26U || byte - '0' < 10U || c == '-' || c == '_' || c == '.' || c == '~')
            out += c;
        else
            fmt::format_to(std::back_inserter(out), "%{:02X}", byte);
    }
    return out;
}

std::string run_sql(const std::string& uri, const std::string& sql)
{
    const connection session = connect(uri);
    const result answer{PQexec(session.get(), sql.c_str()), &PQclear};
    const auto status = PQresultStatus(answer.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY)
        throw std::runtime_error{PQerrorMessage(session.get())};
    if (PQntuples(answer.get()) == 0 || PQnfields(answer.get()) == 0)
        return {};
    return PQgetvalue(answer.get(), 0, 0);
}

scratch_database::scratch_database(std::string_view hint)
{
    static std::atomic<unsigned> count{0};
    name_ = fmt::format("{}_{}_{}", hint, ::getpid(), ++count);
    std::ranges::transform(name_, name_.begin(), [](char c) {
        const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
        return (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') ? lower : '_';
    });
    run_sql(test::dsn(), fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", name_));
    run_sql(test::dsn(), "CREATE DATABASE " + name_);
}

scratch_database::~scratch_database()
{
    try {
        run_sql(test::dsn(), fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", name_));
    }
    catch (const std::exception&) {
        // the whole server is thrown away at the end of the tests
    }
}

} // namespace tradecore::test
