// SPDX-License-Identifier: Apache-2.0
// test_postgres start|stop FOLDER: the server that all integration tests of one ctest run share. `start` leaves a
// process behind that holds the server and notes its addresses in FOLDER/dsn; `stop` ends it.
#include "support/test_server.hpp"

#include <array>
#include <cstdio>
#include <ctime>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <signal.h>
#include <string>
#include <string_view>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace {

// Returns 0 when no holder runs; the name is checked, for the number may belong to another process by now.
pid_t holder_of(const fs::path& folder)
{
    pid_t holder = 0;
    std::string name;
    if (!(std::ifstream{folder / "holder"} >> holder) || holder <= 0)
        return 0;
    std::ifstream file{"/proc/" + std::to_string(holder) + "/comm"};
    return std::getline(file, name) && name == "test_postgres" ? holder : 0;
}

int stop(const fs::path& folder)
{
    if (const pid_t holder = holder_of(folder); holder != 0) {
        const int end = static_cast<int>(::syscall(SYS_pidfd_open, holder, 0));
        ::kill(holder, SIGTERM);
        pollfd wanted{end, POLLIN, 0};
        if (end >= 0 && ::poll(&wanted, 1, 60'000) != 1) {
            std::fprintf(stderr, "test_postgres: process %d does not end\n", static_cast<int>(holder));
            return 1;
        }
    }
    std::error_code ignored; // what is not there need not be removed
    fs::remove(folder / "holder", ignored);
    fs::remove(folder / "dsn", ignored);
    return 0;
}

void say(int report, std::string_view text)
{
    [[maybe_unused]] const auto written = ::write(report, text.data(), text.size());
}

int hold(const fs::path& folder, int report)
{
    ::setsid();
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    ::sigprocmask(SIG_BLOCK, &ends, nullptr);
    // ctest waits until nobody has its pipes any more.
    const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        ::dup2(nothing, standard);
    try {
        tradecore::test::test_server server;
        std::ofstream{folder / "holder"} << ::getpid() << '\n';
        std::ofstream{folder / "dsn.new"} << server.dsn() << '\n' << server.tcp_dsn() << '\n';
        fs::rename(folder / "dsn.new", folder / "dsn");
        say(report, "ok");
        ::close(report);
        const timespec moment{5, 0};
        while (::sigtimedwait(&ends, nullptr, &moment) < 0 && server.server().running() && fs::exists(folder)) {
        }
    }
    catch (const std::exception& problem) {
        say(report, problem.what());
        return 1;
    }
    return 0;
}

int start(const fs::path& folder)
{
    fs::create_directories(folder);
    stop(folder);
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        return 1;
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(ends[0]);
        return hold(folder, ends[1]);
    }
    ::close(ends[1]);
    std::string said;
    std::array<char, 512> part{};
    for (;;) {
        const auto count = ::read(ends[0], part.data(), part.size());
        if (count <= 0)
            break;
        said.append(part.data(), static_cast<std::size_t>(count));
    }
    ::close(ends[0]);
    if (said == "ok")
        return 0;
    std::fprintf(stderr, "test_postgres: %s\n", said.empty() ? "the server's holder ended" : said.c_str());
    return 1;
}

} // namespace

int main(int count, char** arguments)
{
    const std::string_view what = count == 3 ? arguments[1] : "";
    try {
        if (what == "start")
            return start(arguments[2]);
        if (what == "stop")
            return stop(arguments[2]);
    }
    catch (const std::exception& problem) {
        std::fprintf(stderr, "test_postgres: %s\n", problem.what());
        return 1;
    }
    std::fprintf(stderr, "usage: test_postgres start|stop FOLDER\n");
    return 2;
}
