// SPDX-License-Identifier: Apache-2.0
#include "embedded/installation.hpp"
#include "embedded/process.hpp"
#include "support/postgres.hpp"
#include "support/test_server.hpp"

#include <tradecore/embedded/server.hpp>
#include <tradecore/observe/capture.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <signal.h>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

namespace embedded = tradecore::embedded;
namespace fs = std::filesystem;
using testing::HasSubstr;
using tradecore::test::run_sql;
using tradecore::test::temporary_folder;

namespace {

embedded::options small(const fs::path& folder)
{
    embedded::options wanted;
    wanted.folder = folder;
    wanted.max_connections = 17;
    wanted.settings = {{"shared_buffers", "16MB"}};
    return wanted;
}

std::chrono::steady_clock::time_point soon()
{
    return std::chrono::steady_clock::now() + std::chrono::seconds{60};
}

// Another program that holds a server.
class holder {
public:
    explicit holder(const fs::path& folder)
    {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0)
            throw std::system_error{errno, std::generic_category(), "pipe2"};
        output_ = embedded::descriptor{ends[0]};
        const embedded::descriptor writing{ends[1]};
        embedded::command program;
        program.arguments = {TRADECORE_TEST_PROGRAMS "/hold_server", folder.string()};
        program.folder = "/";
        program.output = writing.get();
        process_ = embedded::spawn(program);
    }

    ~holder()
    {
        if (process_ != 0)
            end_by(SIGTERM); // which waits for its server, so that the folder can go
    }

    holder(const holder&) = delete;
    holder& operator=(const holder&) = delete;

    // Waits for its answer; log lines come before it. Returns the server's process id.
    pid_t wait_ready()
    {
        std::string text;
        pid_t server = 0;
        for (char c = 0; ::read(output_.get(), &c, 1) == 1;) {
            if (c != '\n') {
                text += c;
                continue;
            }
            if (text.starts_with("ready ")) {
                std::from_chars(text.data() + 6, text.data() + text.size(), server);
                return server;
            }
            EXPECT_FALSE(text.starts_with("error ")) << text;
            text.clear();
        }
        ADD_FAILURE() << "the other program ended";
        return server;
    }

    int end_by(int signal)
    {
        ::kill(process_, signal);
        int status = -1;
        ::waitpid(std::exchange(process_, 0), &status, 0);
        return status;
    }

    [[nodiscard]] pid_t process() const { return process_; }

private:
    embedded::descriptor output_;
    pid_t process_ = 0;
};

} // namespace

TEST(embedded_server, starts_in_an_empty_folder_and_takes_connections)
{
    const temporary_folder folder;
    embedded::server server{small(folder.path())};
    server.start();
    EXPECT_TRUE(server.running());
    EXPECT_EQ(run_sql(server.dsn(), "SELECT current_user"), "tradecore");
    EXPECT_EQ(run_sql(server.dsn(), "SHOW max_connections"), "17");
    EXPECT_EQ(run_sql(server.dsn(), "SHOW listen_addresses"), "");
    EXPECT_EQ(run_sql(server.dsn(), "SHOW server_encoding"), "UTF8");
    EXPECT_EQ(run_sql(server.dsn(), "SHOW timezone"), "UTC");
    EXPECT_EQ(run_sql(server.dsn(), "SHOW fsync"), "on");
    EXPECT_EQ(run_sql(server.dsn(), "SHOW data_checksums"), "on");
    EXPECT_EQ(
        run_sql(server.dsn(), "SELECT current_setting('server_version_num')::int / 10000"),
        std::to_string(server.major_version()));
    server.stop();
    EXPECT_FALSE(server.running());
    EXPECT_EQ(server.pid(), 0);
    EXPECT_THROW(run_sql(server.dsn(), "SELECT 1"), std::runtime_error);
}

TEST(embedded_server, keeps_its_data_over_restarts)
{
    const temporary_folder folder;
    embedded::server server{small(folder.path())};
    server.start();
    run_sql(server.dsn(), "CREATE DATABASE \"a b\"");
    run_sql(server.dsn("a b"), "CREATE TABLE t AS SELECT 42 AS n");
    server.stop();
    server.start();
    EXPECT_EQ(run_sql(server.dsn("a b"), "SELECT n FROM t"), "42");
}

TEST(embedded_server, never_runs_as_root)
{
    const temporary_folder folder;
    embedded::server server{small(folder.path())};
    server.start();
    struct stat info{};
    ASSERT_EQ(::stat(("/proc/" + std::to_string(server.pid())).c_str(), &info), 0);
    EXPECT_NE(info.st_uid, 0U);
}

TEST(embedded_server, is_closed_to_other_users)
{
    const temporary_folder folder;
    embedded::server server{small(folder.path())};
    server.start();
    const auto others = fs::perms::others_all;
    for (const fs::path& one :
         {server.folder(), server.socket_folder(), server.folder() / "data", server.folder() / "log"})
        EXPECT_EQ(fs::status(one).permissions() & others, fs::perms::none) << one;
    EXPECT_EQ(fs::status(server.socket_folder()).permissions(), fs::perms::owner_all);
    const auto socket = fs::status(server.socket_folder() / ".s.PGSQL.5432");
    EXPECT_TRUE(fs::is_socket(socket));
    EXPECT_EQ(socket.permissions() & (others | fs::perms::group_all), fs::perms::none);
}

TEST(embedded_server, works_in_a_folder_whose_path_is_too_long_for_a_socket)
{
    const temporary_folder folder;
    fs::permissions(folder.path(), fs::perms::owner_all | fs::perms::others_exec); // the server's user passes through
    embedded::server server{small(folder.path() / std::string(100, 'x'))};
    server.start();
    const fs::path sockets = server.socket_folder();
    EXPECT_EQ(run_sql(server.dsn(), "SELECT 1"), "1");
    server.stop();
    EXPECT_FALSE(fs::exists(sockets));
}

TEST(embedded_server, refuses_a_folder_another_program_uses_and_names_it)
{
    const temporary_folder folder;
    holder other{folder.path()};
    other.wait_ready();
    embedded::server server{small(folder.path())};
    try {
        server.start();
        FAIL() << "started twice on one folder";
    }
    catch (const embedded::folder_in_use& problem) {
        EXPECT_EQ(problem.holder(), other.process());
        EXPECT_THAT(problem.what(), HasSubstr(folder.path().string()));
        EXPECT_THAT(problem.what(), HasSubstr(std::to_string(other.process())));
    }
    EXPECT_FALSE(server.running());
}

TEST(embedded_server, ends_with_a_program_that_is_killed)
{
    const temporary_folder folder;
    holder other{folder.path()};
    const pid_t server = other.wait_ready();
    ASSERT_GT(server, 0);
    const int status = other.end_by(SIGKILL);
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_TRUE(embedded::wait_gone(server, soon()));
    for (const pid_t process : embedded::processes_in(folder.path() / "data"))
        EXPECT_TRUE(embedded::wait_gone(process, soon())); // its log writer ends last
}

TEST(embedded_server, is_taken_over_after_its_program_was_killed)
{
    const temporary_folder folder;
    {
        holder other{folder.path()};
        other.wait_ready();
        other.end_by(SIGKILL);
    }
    embedded::server server{small(folder.path())}; // the other's server is perhaps on its way out
    server.start();
    EXPECT_EQ(run_sql(server.dsn(), "SELECT 1"), "1");
}

TEST(embedded_server, is_taken_over_when_program_and_server_were_killed)
{
    const temporary_folder folder;
    {
        holder other{folder.path()};
        const pid_t server = other.wait_ready();
        ASSERT_GT(server, 0);
        run_sql(
            "postgresql://tradecore@/postgres?host=" + (folder.path() / "run").string(),
            "CREATE TABLE t AS SELECT 7 AS n");
        ::kill(server, SIGKILL); // leaves postmaster.pid, the socket, and orphans
        other.end_by(SIGKILL);
    }
    ASSERT_TRUE(fs::exists(folder.path() / "data/postmaster.pid"));
    embedded::server server{small(folder.path())};
    server.start();
    EXPECT_EQ(run_sql(server.dsn(), "SELECT n FROM t"), "7");
}

TEST(embedded_server, stops_one_that_was_left_running)
{
    const temporary_folder folder;
    const tradecore::observe::capture log;
    {
        // A server the kernel does not stop: started by hand on the same data.
        embedded::server first{small(folder.path())};
        first.start();
    }
    struct stat owner{};
    ASSERT_EQ(::stat((folder.path() / "data").c_str(), &owner), 0);
    embedded::command stray;
    embedded::account user;
    user.uid = owner.st_uid;
    user.gid = owner.st_gid;
    user.groups = {owner.st_gid};
    const auto programs = embedded::find_installation({}, std::nullopt).programs;
    stray.arguments = {
        (programs / "postgres").string(), "-D", (folder.path() / "data").string(), "-c",
        "config_file=" + (folder.path() / "postgresql.conf").string()};
    stray.signal_at_parents_end = SIGINT; // should this test fail
    stray.folder = folder.path();
    if (::geteuid() == 0)
        stray.user = user;
    const pid_t process = embedded::spawn(stray);
    // The takeover finds it by the folder it stands in, so wait until it has gone there.
    const auto arrived = [&] {
        const auto found = embedded::processes_in(folder.path() / "data");
        return std::ranges::find(found, process) != found.end();
    };
    while (!arrived() && ::kill(process, 0) == 0)
        std::this_thread::yield();

    embedded::server server{small(folder.path())};
    server.start();
    EXPECT_NE(server.pid(), process);
    EXPECT_TRUE(embedded::wait_child(process, soon()));
    EXPECT_EQ(run_sql(server.dsn(), "SELECT 1"), "1");
    EXPECT_THAT(log.messages(), testing::Contains(HasSubstr("server of an earlier program still runs")));
}

TEST(embedded_server, survives_a_stale_file_that_names_a_living_process)
{
    const temporary_folder folder;
    embedded::server server{small(folder.path())};
    server.start();
    server.stop();
    // As after a restart of the machine, when the number belongs to somebody else: the parent of this test, surely
    // alive.
    std::ofstream{folder.path() / "data/postmaster.pid"} << ::getppid() << "\n/elsewhere\n1\n5432\n\n\n1 1\nready\n";
    server.start();
    EXPECT_EQ(run_sql(server.dsn(), "SELECT 1"), "1");
}

TEST(embedded_server, makes_its_data_again_when_that_was_cut_short)
{
    const temporary_folder folder;
    {
        embedded::server server{small(folder.path())};
        server.start();
    }
    // What a kill in the middle of initdb leaves: an unfinished folder and no data.
    fs::rename(folder.path() / "data", folder.path() / "data.unfinished");
    fs::remove(folder.path() / "data.unfinished/global/pg_control");
    embedded::server server{small(folder.path())};
    server.start();
    EXPECT_EQ(run_sql(server.dsn(), "SELECT 1"), "1");
    EXPECT_FALSE(fs::exists(folder.path() / "data.unfinished"));
}

TEST(embedded_server, stops_on_a_signal_its_program_handles)
{
    const temporary_folder folder;
    holder other{folder.path()};
    const pid_t server = other.wait_ready();
    ASSERT_GT(server, 0);
    const int status = other.end_by(SIGTERM);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_NE(::kill(server, 0), 0);
    EXPECT_FALSE(fs::exists(folder.path() / "data/postmaster.pid"));
}

TEST(embedded_server, shows_the_servers_own_words_when_it_does_not_start)
{
    const temporary_folder folder;
    auto wanted = small(folder.path());
    wanted.settings["shared_buffers"] = "a lot";
    embedded::server server{wanted};
    try {
        server.start();
        FAIL() << "started";
    }
    catch (const embedded::error& problem) {
        EXPECT_THAT(problem.what(), HasSubstr("exit status 1"));
        EXPECT_THAT(problem.what(), HasSubstr("invalid value for parameter \"shared_buffers\""));
    }
    EXPECT_FALSE(server.running());
    embedded::server second{small(folder.path())}; // and the folder is free again
    EXPECT_NO_THROW(second.start());
}

TEST(embedded_server, notices_that_its_server_has_died_and_starts_again)
{
    const temporary_folder folder;
    embedded::server server{small(folder.path())};
    server.start();
    const pid_t first = server.pid();
    ::kill(first, SIGKILL);
    ASSERT_TRUE(embedded::wait_gone(first, soon()));
    EXPECT_FALSE(server.running());
    server.start();
    EXPECT_NE(server.pid(), first);
    EXPECT_EQ(run_sql(server.dsn(), "SELECT 1"), "1");
}

TEST(embedded_server, stop_disconnects_whoever_is_there)
{
    const temporary_folder folder;
    embedded::server server{small(folder.path())};
    server.start();
    EXPECT_EQ(run_sql(server.dsn(), "SELECT 1"), "1");
    server.stop();
    server.stop(); // a second time does nothing
    EXPECT_FALSE(server.running());
}

TEST(shared_test_server, takes_scram_over_tcp_and_nothing_else)
{
    using namespace tradecore::test;
    EXPECT_EQ(run_sql(tcp_dsn(), "SELECT current_user"), "tc_scram");
    EXPECT_THROW(run_sql(tcp_dsn_for(scram_role, "wrong"), "SELECT 1"), std::runtime_error);
    EXPECT_EQ(run_sql(tcp_dsn_for("tc_md5", scram_password), "SELECT current_user"), "tc_md5");
    EXPECT_EQ(run_sql(tcp_dsn_for("tc_password", scram_password), "SELECT current_user"), "tc_password");
    EXPECT_EQ(run_sql(tcp_dsn_for("tc_trust", ""), "SELECT current_user"), "tc_trust");
    EXPECT_THROW(run_sql(tcp_dsn_for("tc_reject", "x"), "SELECT 1"), std::runtime_error);
}

TEST(shared_test_server, gives_every_test_a_database_of_its_own)
{
    std::string name;
    {
        const tradecore::test::scratch_database database{"Embedded-Test"};
        name = database.name();
        EXPECT_EQ(database.run("SELECT current_database()"), name);
    }
    EXPECT_EQ(run_sql(tradecore::test::dsn(), "SELECT count(*) FROM pg_database WHERE datname = '" + name + "'"), "0");
}
