// SPDX-License-Identifier: Apache-2.0
#include "embedded/folder.hpp"

#include "embedded/config_text.hpp"

#include <tradecore/embedded/error.hpp>
#include <tradecore/embedded/options.hpp>

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace tradecore::embedded {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view lock_name = "tradecore.lock";
constexpr std::string_view socket_note = "socket_folder";
constexpr std::size_t tail_bytes = 2000;

[[noreturn]] void fail(std::string_view doing, const fs::path& what)
{
    throw error{fmt::format("cannot {} {}: {}", doing, what.string(), std::strerror(errno))};
}

// Never through a symbolic link: some of these files lie where the server's user can write.
std::optional<std::string> read_file(const fs::path& path, std::size_t from_end = std::string::npos)
{
    const descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    struct stat info{};
    if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode))
        return std::nullopt;
    const auto size = static_cast<std::size_t>(info.st_size);
    if (size > from_end)
        ::lseek(file.get(), static_cast<off_t>(size - from_end), SEEK_SET);
    std::string text;
    std::array<char, 4096> part{};
    for (;;) {
        const auto count = ::read(file.get(), part.data(), part.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return text;
        text.append(part.data(), static_cast<std::size_t>(count));
    }
}

void write_all(int file, std::string_view text, const fs::path& path)
{
    while (!text.empty()) {
        const auto count = ::write(file, text.data(), text.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            fail("write", path);
        text.remove_prefix(static_cast<std::size_t>(count));
    }
}

void make_private(const fs::path& path, const account& owner)
{
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
        fail("make the folder", path);
    struct stat info{};
    if (::lstat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode))
        throw error{fmt::format("{} is not a folder", path.string())};
    if ((info.st_uid != owner.uid || info.st_gid != owner.gid) && ::chown(path.c_str(), owner.uid, owner.gid) != 0)
        fail("give the server's user the folder", path);
    if ((info.st_mode & 07777) != 0700 && ::chmod(path.c_str(), 0700) != 0)
        fail("protect the folder", path);
}

bool is_private(const fs::path& path, const account& owner)
{
    struct stat info{};
    return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == owner.uid &&
           (info.st_mode & 07777) == 0700;
}

descriptor take_lock(const fs::path& root)
{
    const fs::path path = root / lock_name;
    descriptor file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!file)
        fail("open the lock", path);
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            fail("lock", path);
        pid_t holder = 0;
        const std::string text = read_file(path).value_or("");
        std::from_chars(text.data(), text.data() + text.size(), holder);
        throw folder_in_use{
            holder > 0
                ? fmt::format(
                      "{} is in use by another program (process {}); stop it or choose another folder", root.string(),
                      holder)
                : fmt::format("{} is in use by another program; stop it or choose another folder", root.string()),
            holder};
    }
    if (::ftruncate(file.get(), 0) != 0)
        fail("write", path);
    write_all(file.get(), fmt::format("{}\n", ::getpid()), path);
    return file;
}

} // namespace

fs::path default_folder()
{
    if (::geteuid() == 0)
        return "/var/lib/tradecore";
    const auto from = [](const char* name) {
        const char* const value = std::getenv(name);
        return fs::path{value == nullptr ? "" : value};
    };
    if (const fs::path given = from("XDG_DATA_HOME"); given.is_absolute())
        return given / "tradecore";
    if (const fs::path home = from("HOME"); home.is_absolute())
        return home / ".local/share/tradecore";
    throw error{"there is no home directory (HOME is not set) to keep the server's data in; name a folder"};
}

private_folder::private_folder(fs::path root, const account& caller) : caller_{caller}, group_{caller.gid}
{
    std::error_code problem;
    root_ = fs::weakly_canonical(fs::absolute(root), problem);
    if (problem)
        throw error{fmt::format("cannot use the folder {}: {}", root.string(), problem.message())};
    fs::create_directories(root_.parent_path(), problem);
    if (problem)
        throw error{fmt::format("cannot make the folder {}: {}", root_.parent_path().string(), problem.message())};
    if (::mkdir(root_.c_str(), 0700) != 0 && errno != EEXIST)
        fail("make the folder", root_);
    struct stat info{};
    if (::stat(root_.c_str(), &info) != 0)
        fail("use the folder", root_);
    if (!S_ISDIR(info.st_mode))
        throw error{fmt::format("{} is not a folder", root_.string())};
    if (info.st_uid != caller.uid)
        throw error{
            fmt::format("{} belongs to another user (id {}); choose another folder", root_.string(), info.st_uid)};
    const bool used = fs::exists(root_ / lock_name, problem);
    const bool empty = fs::is_empty(root_, problem);
    if (problem)
        throw error{fmt::format("cannot use the folder {}: {}", root_.string(), problem.message())};
    if (!used && !empty)
        throw error{
            fmt::format("{} is not empty and does not hold a server of ours; choose an empty folder", root_.string())};
    lock_ = take_lock(root_);
}

void private_folder::admit(const account& server)
{
    group_ = server.gid;
    const bool other = server.uid != caller_.uid;
    if (other && ::chown(root_.c_str(), caller_.uid, server.gid) != 0)
        fail("let the server's user into the folder", root_);
    if (::chmod(root_.c_str(), other ? 0710 : 0700) != 0)
        fail("protect the folder", root_);
    make_private(root_ / "log", server);
    make_private(root_ / "run", server);
}

std::optional<int> private_folder::data_version() const
{
    const auto text = read_file(data() / "PG_VERSION");
    int major = 0;
    if (text && std::from_chars(text->data(), text->data() + text->size(), major).ec == std::errc{})
        return major;
    if (fs::exists(fs::symlink_status(data())))
        throw error{fmt::format("{} is not a PostgreSQL data folder (it has no PG_VERSION)", data().string())};
    return std::nullopt;
}

fs::path private_folder::fresh_data_folder(const account& server) const
{
    std::error_code problem;
    fs::remove_all(unfinished_data(), problem);
    if (problem)
        throw error{fmt::format("cannot remove {}: {}", unfinished_data().string(), problem.message())};
    make_private(unfinished_data(), server);
    return unfinished_data();
}

void private_folder::adopt_data(const fs::path& fresh) const
{
    if (::rename(fresh.c_str(), data().c_str()) != 0)
        fail("rename", fresh);
    const descriptor folder{::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (folder)
        ::fsync(folder.get()); // the rename is what says that the data are complete
}

fs::path private_folder::socket_folder(const account& server, std::uint16_t port) const
{
    if (const fs::path inside = root_ / "run"; usable_socket_folder(inside, port))
        return inside;
    if (const auto noted = read_file(root_ / socket_note);
        noted && usable_socket_folder(*noted, port) && is_private(*noted, server))
        return *noted;
    std::vector<std::string> parents;
    if (const char* const given = std::getenv("XDG_RUNTIME_DIR"); given != nullptr && server.uid == caller_.uid)
        parents.emplace_back(given);
    parents.emplace_back("/tmp");
    for (const std::string& parent : parents) {
        std::string name = parent + "/tradecore-XXXXXX";
        if (!usable_socket_folder(name, port) || ::mkdtemp(name.data()) == nullptr)
            continue;
        make_private(name, server);
        write(socket_note, name);
        return name;
    }
    throw error{fmt::format(
        "no folder for the server's socket: {} is longer than a socket's path may be ({} bytes), and neither the "
        "run-time folder nor /tmp can be used",
        socket_path(root_ / "run", port).string(), longest_socket_path)};
}

void private_folder::drop_socket_folder(const fs::path& used) const noexcept
{
    if (used.empty() || used.parent_path() == root_)
        return;
    if (::rmdir(used.c_str()) == 0)
        ::unlink((root_ / socket_note).c_str());
}

void private_folder::write(std::string_view name, std::string_view text) const
{
    const fs::path path = root_ / name;
    const fs::path next = root_ / (std::string{name} + ".new");
    ::unlink(next.c_str());
    const descriptor file{::open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!file)
        fail("make", next);
    write_all(file.get(), text, next);
    if (group_ != caller_.gid && ::fchown(file.get(), caller_.uid, group_) != 0)
        fail("let the server's user read", next);
    if (::fchmod(file.get(), group_ != caller_.gid ? 0640 : 0600) != 0)
        fail("protect", next);
    if (::rename(next.c_str(), path.c_str()) != 0)
        fail("rename", next);
}

descriptor private_folder::open_log(std::string_view name) const
{
    const fs::path path = root_ / name;
    descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!file)
        fail("open", path);
    return file;
}

std::string private_folder::log_tail(std::string_view name) const
{
    std::string text = read_file(root_ / name, tail_bytes).value_or("");
    fs::path newest;
    fs::file_time_type newest_time;
    std::error_code ignored; // the tail is a help, its absence no failure
    for (const auto& entry : fs::directory_iterator{root_ / "log", ignored}) {
        const auto time = entry.last_write_time(ignored);
        if (newest.empty() || time > newest_time) {
            newest = entry.path();
            newest_time = time;
        }
    }
    if (!newest.empty())
        text += read_file(newest, tail_bytes).value_or("");
    return text.empty() ? "(its log is empty)" : text;
}

std::optional<postmaster_file> read_postmaster_file(const fs::path& data)
{
    const auto text = read_file(data / "postmaster.pid");
    return text ? parse_postmaster_file(*text) : std::nullopt;
}

std::optional<postmaster_file> parse_postmaster_file(std::string_view text)
{
    // Line 1 is the process, line 8 the state (PostgreSQL's source: src/include/utils/pidfile.h).
    postmaster_file found;
    for (int line = 1; line <= 8; ++line) {
        const auto end = text.find('\n');
        const std::string_view one = text.substr(0, end);
        if (line == 1) {
            const auto [last, problem] = std::from_chars(one.data(), one.data() + one.size(), found.process);
            if (problem != std::errc{} || found.process <= 0)
                return std::nullopt;
        }
        if (line == 8)
            found.ready = one.substr(0, one.find_last_not_of(' ') + 1) == "ready";
        if (end == std::string_view::npos)
            break;
        text.remove_prefix(end + 1);
    }
    return found;
}

} // namespace tradecore::embedded
