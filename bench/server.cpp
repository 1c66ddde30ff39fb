// SPDX-License-Identifier: Apache-2.0
// bench_server FOLDER [NAME=VALUE...]: an embedded server with these further settings, until standard input ends or
// SIGTERM comes. Prints one line of JSON: where it is and as whom to connect. The role `bench` owns the database of
// the same name and needs no password: the socket's folder is this user's alone, over TCP only that database is open to
// it.
#include <tradecore/embedded/server.hpp>

#include <cstdio>
#include <exception>
#include <poll.h>
#include <signal.h>
#include <string>
#include <sys/signalfd.h>
#include <unistd.h>

namespace {

void wait_for_the_end(int signals)
{
    pollfd events[] = {{STDIN_FILENO, POLLIN, 0}, {signals, POLLIN, 0}};
    for (;;) {
        if (::poll(events, 2, -1) < 0)
            continue;
        char unread[256];
        const bool closed = events[0].revents != 0 && ::read(STDIN_FILENO, unread, sizeof unread) <= 0;
        if (events[1].revents != 0 || closed)
            return;
    }
}

} // namespace

int main(int count, char** arguments)
{
    if (count < 2) {
        std::fprintf(stderr, "usage: bench_server FOLDER [NAME=VALUE...]\n");
        return 2;
    }
    sigset_t ends;
    sigemptyset(&ends);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP})
        sigaddset(&ends, signal);
    sigprocmask(SIG_BLOCK, &ends, nullptr);
    const int signals = ::signalfd(-1, &ends, SFD_CLOEXEC);
    try {
        tradecore::embedded::options wanted;
        wanted.folder = arguments[1];
        wanted.tcp_port = 0;
        wanted.hba_lines = {"local bench bench trust", "host bench bench 127.0.0.1/32 trust"};
        for (int i = 2; i < count; ++i) {
            const std::string setting = arguments[i];
            const auto equals = setting.find('=');
            if (equals == std::string::npos) {
                std::fprintf(stderr, "'%s' is not NAME=VALUE\n", arguments[i]);
                return 2;
            }
            wanted.settings[setting.substr(0, equals)] = setting.substr(equals + 1);
        }
        tradecore::embedded::server server{wanted};
        server.start();
        std::printf(
            "{\"dsn\": \"%s\", \"socket_folder\": \"%s\", \"port\": %d, \"major\": %d, \"pid\": %d}\n",
            server.dsn().c_str(), server.socket_folder().c_str(), static_cast<int>(server.port()),
            server.major_version(), static_cast<int>(server.pid()));
        std::fflush(stdout);
        wait_for_the_end(signals);
        server.stop();
    }
    catch (const std::exception& problem) {
        std::fprintf(stderr, "bench_server: %s\n", problem.what());
        return 1;
    }
    return 0;
}
