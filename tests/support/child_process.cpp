// SPDX-License-Identifier: Apache-2.0
#include "support/child_process.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <stdexcept>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace tradecore::test {

namespace {

void check(int result, const char* what)
{
    if (result < 0)
        throw std::system_error(errno, std::generic_category(), what);
}

} // namespace

child_process::child_process(std::vector<std::string> command, const std::map<std::string, std::string>& environment)
{
    std::array<int, 2> out{};
    std::array<int, 2> err{};
    check(::pipe2(out.data(), O_CLOEXEC), "pipe");
    check(::pipe2(err.data(), O_CLOEXEC), "pipe");
    std::vector<char*> arguments;
    for (auto& part : command)
        arguments.push_back(part.data());
    arguments.push_back(nullptr);
    pid_ = ::fork();
    check(pid_, "fork");
    if (pid_ == 0) {
        ::dup2(out[1], STDOUT_FILENO);
        ::dup2(err[1], STDERR_FILENO);
        for (const auto& [name, value] : environment) {
            if (value.empty())
                ::unsetenv(name.c_str());
            else
                ::setenv(name.c_str(), value.c_str(), 1);
        }
        (void)::syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC); // nothing else is the program's
        ::execv(arguments[0], arguments.data());
        ::_exit(127);
    }
    ::close(out[1]);
    ::close(err[1]);
    out_ = out[0];
    err_ = err[0];
}

child_process::~child_process()
{
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    for (const int descriptor : {out_, err_})
        if (descriptor >= 0)
            ::close(descriptor);
}

bool child_process::read_some()
{
    std::array<pollfd, 2> waiting{{{out_, POLLIN, 0}, {err_, POLLIN, 0}}};
    if (out_ < 0 && err_ < 0)
        return false;
    check(::poll(waiting.data(), waiting.size(), -1), "poll");
    const auto take = [](int& from, short ready, std::string& into) {
        if (from < 0 || ready == 0)
            return;
        std::array<char, 4096> bytes{};
        const auto count = ::read(from, bytes.data(), bytes.size());
        if (count > 0) {
            into.append(bytes.data(), static_cast<std::size_t>(count));
            return;
        }
        ::close(from);
        from = -1;
    };
    take(out_, waiting[0].revents, so_far_.out);
    take(err_, waiting[1].revents, so_far_.err);
    return true;
}

bool child_process::wait_for_line(const std::string& text)
{
    while (so_far_.err.find(text) == std::string::npos)
        if (!read_some())
            return false;
    return true;
}

void child_process::send(int signal) const
{
    check(::kill(pid_, signal), "kill");
}

child_process::outcome child_process::wait()
{
    while (read_some()) {
    }
    int status = 0;
    check(::waitpid(std::exchange(pid_, -1), &status, 0), "waitpid");
    so_far_.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return so_far_;
}

child_process::outcome
run_program(std::vector<std::string> command, const std::map<std::string, std::string>& environment)
{
    return child_process(std::move(command), environment).wait();
}

} // namespace tradecore::test
