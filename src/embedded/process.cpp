// SPDX-License-Identifier: Apache-2.0
#include "embedded/process.hpp"

#include <tradecore/embedded/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tradecore::embedded {
namespace {

using clock = std::chrono::steady_clock;

// Where a child was when it failed before it became the program.
enum class stage : int { session, groups, group, user, parent, folder, open, run };

constexpr std::array<const char*, 8> stage_names{"start a session", "set groups",       "set the group",
                                                 "set the user",    "watch its parent", "enter its folder",
                                                 "open /dev/null",  "run the program"};

struct failure {
    stage where;
    int reason;
};

// Everything the child needs, made before fork(): between fork() and exec() only async-signal-safe calls are allowed.
struct prepared {
    std::vector<char*> arguments;
    std::vector<const char*> environment;
    const command& what;
    int report;
    pid_t parent;
};

[[noreturn]] void fail(int report, stage where)
{
    const failure message{where, errno};
    [[maybe_unused]] const auto written = ::write(report, &message, sizeof message);
    ::_exit(127);
}

[[noreturn]] void become(const prepared& self)
{
    for (int number = 1; number < NSIG; ++number)
        ::signal(number, SIG_DFL); // also those the program ignores, which exec() would keep
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::umask(077);
    // A session of its own, so that Ctrl-C at the terminal reaches the program and not its server.
    if (::setsid() < 0)
        fail(self.report, stage::session);
    if (const auto& user = self.what.user) {
        if (::setgroups(user->groups.size(), user->groups.data()) != 0)
            fail(self.report, stage::groups);
        if (::setgid(user->gid) != 0)
            fail(self.report, stage::group);
        if (::setuid(user->uid) != 0)
            fail(self.report, stage::user);
    }
    if (self.what.signal_at_parents_end != 0) {
        // After setuid(), which clears it; and the parent may be gone already.
        if (::prctl(PR_SET_PDEATHSIG, self.what.signal_at_parents_end) != 0)
            fail(self.report, stage::parent);
        if (::getppid() != self.parent) {
            errno = ESRCH;
            fail(self.report, stage::parent);
        }
    }
    if (::chdir(self.what.folder.c_str()) != 0)
        fail(self.report, stage::folder);
    const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0)
        fail(self.report, stage::open);
    const int output = self.what.output >= 0 ? self.what.output : nothing;
    if (::dup2(nothing, STDIN_FILENO) < 0 || ::dup2(output, STDOUT_FILENO) < 0 || ::dup2(output, STDERR_FILENO) < 0)
        fail(self.report, stage::open);
    // What the program has open is not the server's; an older kernel cannot do this, and then it inherits.
    (void)::syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    ::execve(self.arguments[0], self.arguments.data(), const_cast<char* const*>(self.environment.data()));
    fail(self.report, stage::run);
}

// How long one poll() may last: until the deadline, but look again now and then in case a kernel has no watch for us.
int poll_time(clock::time_point deadline, bool watched)
{
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left + 1, 1, watched ? 1000 : 20));
}

} // namespace

void descriptor::reset() noexcept
{
    if (value_ >= 0)
        ::close(std::exchange(value_, -1));
}

pid_t spawn(const command& what)
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        throw error{fmt::format("cannot make a pipe: {}", std::strerror(errno))};
    const descriptor reading{ends[0]};
    descriptor writing{ends[1]};

    auto texts = what.arguments;
    prepared self{{}, {}, what, writing.get(), ::getpid()};
    for (std::string& one : texts)
        self.arguments.push_back(one.data());
    self.arguments.push_back(nullptr);
    // Nothing of the caller's environment: PGDATA, PGPORT and their like would change what the server does.
    self.environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C", "TZ=UTC", "HOME=/nonexistent", nullptr};

    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before); // no handler of ours may run in the child
    const pid_t child = ::fork();
    if (child == 0)
        become(self);
    const int reason = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (child < 0)
        throw error{fmt::format("cannot start {}: {}", what.arguments[0], std::strerror(reason))};

    writing.reset();
    failure message{};
    ssize_t count = 0;
    do
        count = ::read(reading.get(), &message, sizeof message);
    while (count < 0 && errno == EINTR);
    if (count != static_cast<ssize_t>(sizeof message))
        return child;

    ::waitpid(child, nullptr, 0);
    if (message.where == stage::folder && what.user)
        throw error{fmt::format(
            "the server runs as user '{}', which cannot enter {} ({}): choose a folder whose parents that user may "
            "pass",
            what.user->name, what.folder.string(), std::strerror(message.reason))};
    throw error{fmt::format(
        "{} did not start: could not {}: {}", what.arguments[0], stage_names[static_cast<std::size_t>(message.where)],
        std::strerror(message.reason))};
}

std::string output_of(command what)
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        throw error{fmt::format("cannot make a pipe: {}", std::strerror(errno))};
    const descriptor reading{ends[0]};
    descriptor writing{ends[1]};
    what.output = writing.get();
    const pid_t child = spawn(what);
    writing.reset();
    std::string text;
    std::array<char, 4096> part{};
    for (;;) {
        const auto count = ::read(reading.get(), part.data(), part.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        text.append(part.data(), static_cast<std::size_t>(count));
    }
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
    return text;
}

std::string describe_status(int status)
{
    if (WIFEXITED(status))
        return fmt::format("exit status {}", WEXITSTATUS(status));
    if (WIFSIGNALED(status))
        return fmt::format("signal {}", WTERMSIG(status));
    return fmt::format("status {}", status);
}

descriptor watch(pid_t process)
{
    return descriptor{static_cast<int>(::syscall(SYS_pidfd_open, process, 0))};
}

std::optional<int> wait_child(pid_t child, clock::time_point deadline)
{
    const descriptor end = watch(child);
    for (;;) {
        int status = 0;
        const pid_t got = ::waitpid(child, &status, WNOHANG);
        if (got == child)
            return status;
        if (got < 0 && errno != EINTR)
            return 0; // somebody else in this program waited for it: it is gone
        if (clock::now() >= deadline)
            return std::nullopt;
        pollfd wanted{end.get(), POLLIN, 0};
        ::poll(&wanted, end ? 1 : 0, poll_time(deadline, static_cast<bool>(end)));
    }
}

bool wait_gone(pid_t process, clock::time_point deadline)
{
    const descriptor end = watch(process);
    for (;;) {
        if (::kill(process, 0) != 0 && errno == ESRCH)
            return true;
        pollfd wanted{end.get(), POLLIN, 0};
        if (end && ::poll(&wanted, 1, 0) == 1)
            return true; // ended, though perhaps nobody has collected its status yet
        if (clock::now() >= deadline)
            return false;
        ::poll(&wanted, end ? 1 : 0, poll_time(deadline, static_cast<bool>(end)));
    }
}

std::vector<pid_t> processes_in(const std::filesystem::path& folder)
{
    std::vector<pid_t> found;
    struct stat wanted{};
    if (::stat(folder.c_str(), &wanted) != 0)
        return found;
    std::error_code ignored; // processes come and go while we look
    for (const auto& entry : std::filesystem::directory_iterator{"/proc", ignored}) {
        const std::string name = entry.path().filename().string();
        pid_t process = 0;
        const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), process);
        if (problem != std::errc{} || end != name.data() + name.size())
            continue;
        struct stat current{};
        if (::stat((entry.path() / "cwd").c_str(), &current) == 0 && current.st_dev == wanted.st_dev &&
            current.st_ino == wanted.st_ino)
            found.push_back(process);
    }
    return found;
}

} // namespace tradecore::embedded
