// SPDX-License-Identifier: Apache-2.0
#include "simulate/worker_process.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace tradecore::app::simulate {

namespace {

[[noreturn]] void become_worker(pid_t parent, int channel, const std::function<int(int)>& body)
{
    int status = EXIT_FAILURE;
    // The parent may have ended before the kernel was told to tell us.
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && ::getppid() == parent) {
        static_cast<void>(std::signal(SIGINT, SIG_IGN));
        static_cast<void>(std::signal(SIGTERM, SIG_IGN));
        try {
            status = body(channel);
        }
        catch (...) {
            status = EXIT_FAILURE;
        }
    }
    // Not exit(): buffers and static objects are copies of the parent's.
    ::_exit(status);
}

int wait_for(pid_t process)
{
    int status = 0;
    while (::waitpid(process, &status, 0) < 0)
        if (errno != EINTR)
            throw std::system_error(errno, std::generic_category(), "waitpid");
    return status;
}

} // namespace

worker_process::worker_process(std::string name, const std::function<int(int)>& body) : name_(std::move(name))
{
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        throw std::system_error(errno, std::generic_category(), "cannot start " + name_ + ": socketpair");
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
        ::close(ends[0]);
        become_worker(parent, ends[1], body);
    }
    const int error = errno;
    ::close(ends[1]);
    channel_ = ends[0];
    if (pid_ < 0) {
        ::close(channel_);
        throw std::system_error(error, std::generic_category(), "cannot start " + name_ + ": fork");
    }
}

worker_process::~worker_process()
{
    if (channel_ >= 0)
        ::close(channel_);
    if (pid_ <= 0)
        return;
    // What it has under way is left as by a crash, which has to be right anyway.
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

int worker_process::take_channel() noexcept
{
    return std::exchange(channel_, -1);
}

std::optional<std::string> worker_process::wait()
{
    const int status = wait_for(std::exchange(pid_, 0));
    if (WIFSIGNALED(status)) {
        const char* const signal = ::sigabbrev_np(WTERMSIG(status));
        return fmt::format(
            "was ended by signal {}{}", WTERMSIG(status), signal == nullptr ? "" : fmt::format(" (SIG{})", signal));
    }
    if (WEXITSTATUS(status) != 0)
        return fmt::format("ended with status {}", WEXITSTATUS(status));
    return std::nullopt;
}

void worker_process::disown() noexcept
{
    pid_ = 0;
    if (const int channel = take_channel(); channel >= 0)
        ::close(channel);
}

} // namespace tradecore::app::simulate
