// SPDX-License-Identifier: Apache-2.0
// hold_server FOLDER: runs an embedded server until SIGTERM or SIGINT. Says "ready <server's pid>" or the error on
// standard output.
#include <tradecore/embedded/server.hpp>

#include <cstdio>
#include <exception>
#include <signal.h>

int main(int count, char** arguments)
{
    if (count != 2)
        return 2;
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, nullptr);
    try {
        tradecore::embedded::options wanted;
        wanted.folder = arguments[1];
        wanted.settings = {{"shared_buffers", "16MB"}};
        tradecore::embedded::server server{wanted};
        server.start();
        std::printf("ready %d\n", static_cast<int>(server.pid()));
        std::fflush(stdout);
        int got = 0;
        sigwait(&ends, &got);
        server.stop();
    }
    catch (const std::exception& problem) {
        std::printf("error %s\n", problem.what());
        return 1;
    }
    return 0;
}
