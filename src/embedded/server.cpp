// SPDX-License-Identifier: Apache-2.0
#include "embedded/config_text.hpp"
#include "embedded/folder.hpp"
#include "embedded/installation.hpp"
#include "embedded/process.hpp"

#include <tradecore/embedded/server.hpp>
#include <tradecore/observe/log.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <clocale>
#include <cstring>
#include <fstream>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace tradecore::embedded {
namespace fs = std::filesystem;
namespace {

using clock = std::chrono::steady_clock;
using observe::field;
using observe::level;

constexpr std::uint16_t socket_only_port = 5432; // only a part of the socket's name
constexpr std::chrono::seconds hard_limit{10};
constexpr std::string_view start_log = "start.log";
constexpr std::string_view initdb_log = "initdb.log";

std::uint16_t free_port()
{
    const descriptor probe{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (!probe || ::bind(probe.get(), generic, size) != 0 || ::getsockname(probe.get(), generic, &size) != 0)
        throw error{fmt::format("cannot find a free TCP port: {}", std::strerror(errno))};
    return ntohs(address.sin_port);
}

// Sorts by code point and knows every letter; where the C library does not have it, plain C sorts the same way.
const char* locale_to_use()
{
    const locale_t found = ::newlocale(LC_ALL_MASK, "C.UTF-8", locale_t{});
    if (found == locale_t{})
        return "C";
    ::freelocale(found);
    return "C.UTF-8";
}

std::vector<pid_t> servers_in(const fs::path& folder)
{
    auto found = processes_in(folder);
    std::erase_if(found, [](pid_t process) {
        std::ifstream file{fmt::format("/proc/{}/comm", process)};
        std::string name;
        return !std::getline(file, name) || name != "postgres"; // a shell may stand in the folder, too
    });
    return found;
}

bool all_gone(const fs::path& folder, clock::time_point deadline)
{
    for (;;) {
        const auto left = servers_in(folder);
        if (left.empty())
            return true;
        if (!wait_gone(left.front(), deadline))
            return false;
        if (clock::now() >= deadline)
            return servers_in(folder).empty();
    }
}

// What a killed program left: its server, perhaps on its way out, or server processes that lost their postmaster.
void stop_leftover(const fs::path& data, std::chrono::seconds limit)
{
    const auto stale = read_postmaster_file(data);
    auto left = servers_in(data);
    if (!left.empty()) {
        observe::log(
            level::warn, "a PostgreSQL server of an earlier program still runs; it is stopped first",
            {field("folder", data.native()), field("pid", left.front())});
        const bool has_postmaster = stale && std::ranges::find(left, stale->process) != left.end();
        // Processes without a postmaster notice that and leave by themselves; a postmaster that has not yet said so in
        // its file is among them and gets the signal as well.
        if (has_postmaster)
            left = {stale->process};
        for (const pid_t process : left)
            ::kill(process, SIGINT);
        const auto patience = has_postmaster ? limit : std::min(limit, hard_limit);
        for (const int signal : {SIGQUIT, SIGKILL, 0}) {
            if (all_gone(data, clock::now() + (signal == SIGQUIT ? patience : hard_limit)))
                break;
            if (signal == 0)
                throw error{fmt::format(
                    "the PostgreSQL server an earlier program left in {} cannot be stopped", data.string())};
            for (const pid_t process : servers_in(data))
                ::kill(process, signal);
        }
    }
    // Nobody uses the data now. The file would stop the server if its process id belongs to somebody else by now.
    std::error_code ignored; // when it cannot be removed the server itself decides and says why
    fs::remove(data / "postmaster.pid", ignored);
}

} // namespace

struct server::state {
    options wanted;
    fs::path socket_folder;
    std::optional<private_folder> folder;
    fs::path root;
    std::uint16_t port = 0;
    int major = 0;
    pid_t process = 0;

    void make_data(const installation& programs, const account& caller, const account& user);
    void launch(const installation& programs, const account& caller, const account& user);
    void wait_ready();
    void end();
};

void server::state::make_data(const installation& programs, const account& caller, const account& user)
{
    observe::log(
        level::info, "making a PostgreSQL database cluster",
        {field("folder", folder->root().native()), field("version", programs.major)});
    const fs::path fresh = folder->fresh_data_folder(user);
    const descriptor log = folder->open_log(initdb_log);
    command initdb;
    initdb.arguments = {
        (programs.programs / "initdb").string(),
        "--pgdata=" + fresh.string(),
        fmt::format("--username={}", superuser),
        "--encoding=UTF8",
        fmt::format("--locale={}", locale_to_use()),
        "--auth-local=peer",
        "--auth-host=scram-sha-256",
        "--data-checksums"};
    initdb.folder = folder->root();
    initdb.output = log.get();
    initdb.signal_at_parents_end = SIGKILL; // what it has made by then is thrown away
    if (caller.uid != user.uid)
        initdb.user = user;
    const pid_t child = spawn(initdb);
    auto status = wait_child(child, clock::now() + wanted.start_limit);
    if (!status) {
        ::kill(child, SIGKILL);
        wait_child(child, clock::now() + hard_limit);
        throw error{fmt::format(
            "initdb did not finish within {} s; its output:\n{}", wanted.start_limit.count(),
            folder->log_tail(initdb_log))};
    }
    if (*status != 0)
        throw error{
            fmt::format("initdb failed ({}); its output:\n{}", describe_status(*status), folder->log_tail(initdb_log))};
    folder->adopt_data(fresh);
}

void server::state::launch(const installation& programs, const account& caller, const account& user)
{
    folder->write("postgresql.conf", postgresql_conf(wanted, port, folder->root(), socket_folder));
    folder->write("pg_hba.conf", pg_hba_conf(wanted));
    std::vector<std::string> users{caller.name};
    if (user.name != caller.name)
        users.push_back(user.name);
    folder->write("pg_ident.conf", pg_ident_conf(users));

    std::error_code ignored; // left by a server that was killed; nobody else can have put them there
    const fs::path socket = socket_path(socket_folder, port);
    fs::remove(socket, ignored);
    fs::remove(fs::path{socket} += ".lock", ignored);

    const descriptor log = folder->open_log(start_log);
    command postgres;
    postgres.arguments = {
        (programs.programs / "postgres").string(), "-D", folder->data().string(), "-c",
        "config_file=" + (folder->root() / "postgresql.conf").string()};
    postgres.folder = folder->root();
    postgres.output = log.get();
    postgres.signal_at_parents_end = SIGINT; // PostgreSQL's fast shutdown
    if (caller.uid != user.uid)
        postgres.user = user;
    process = spawn(postgres);
}

void server::state::wait_ready()
{
    const auto deadline = clock::now() + wanted.start_limit;
    const descriptor changes{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
    if (changes)
        ::inotify_add_watch(
            changes.get(), folder->data().c_str(), IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO);
    const descriptor end = watch(process);
    for (;;) {
        if (const auto status = wait_child(process, clock::now())) {
            process = 0;
            throw error{fmt::format(
                "PostgreSQL ended while starting ({}); the end of its log:\n{}", describe_status(*status),
                folder->log_tail(start_log))};
        }
        const auto said = read_postmaster_file(folder->data());
        if (said && said->process == process && said->ready)
            return;
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - clock::now()).count();
        if (left <= 0)
            throw error{fmt::format(
                "PostgreSQL was not ready within {} s; the end of its log:\n{}", wanted.start_limit.count(),
                folder->log_tail(start_log))};
        // Both are events; the limit of a poll is for kernels that have neither.
        std::array<pollfd, 2> events{pollfd{changes.get(), POLLIN, 0}, pollfd{end.get(), POLLIN, 0}};
        ::poll(events.data(), events.size(), static_cast<int>(std::min<std::int64_t>(left, changes && end ? 500 : 20)));
        std::array<char, 4096> unread{};
        while (changes && ::read(changes.get(), unread.data(), unread.size()) > 0) {
        }
    }
}

void server::state::end()
{
    const pid_t child = std::exchange(process, 0);
    if (child == 0)
        return;
    ::kill(child, SIGINT);
    if (!wait_child(child, clock::now() + wanted.stop_limit)) {
        observe::log(
            level::warn, "PostgreSQL does not shut down in time; it is told to stop at once",
            {field("folder", root.native()), field("pid", child)});
        ::kill(child, SIGQUIT);
        if (!wait_child(child, clock::now() + hard_limit)) {
            ::kill(child, SIGKILL);
            wait_child(child, clock::now() + hard_limit);
            throw error{fmt::format("the PostgreSQL server in {} (process {}) had to be killed", root.string(), child)};
        }
    }
    // Its log writer ends last, and must not be taken for a server somebody left running.
    all_gone(root / "data", clock::now() + hard_limit);
    observe::log(level::debug, "PostgreSQL stopped", {field("folder", root.native())});
}

server::server(options wanted) : state_{std::make_unique<state>()}
{
    pg_hba_conf(wanted);
    postgresql_conf(wanted, socket_only_port, "/", "/"); // a wrong setting is refused here, not after initdb
    state_->wanted = std::move(wanted);
    state_->root = state_->wanted.folder;
}

server::~server()
{
    try {
        stop();
    }
    catch (const std::exception& problem) {
        observe::log(level::error, problem.what());
    }
}

void server::start()
{
    if (running())
        return;
    state& self = *state_;
    stop(); // gives up the folder when the server has ended by itself
    try {
        const account caller = calling_account();
        self.folder.emplace(self.wanted.folder.empty() ? default_folder() : self.wanted.folder, caller);
        self.root = self.folder->root();
        const account user = server_account(caller, self.folder->data());
        self.folder->admit(user);
        stop_leftover(self.folder->unfinished_data(), self.wanted.stop_limit);
        stop_leftover(self.folder->data(), self.wanted.stop_limit);
        const auto made_by = self.folder->data_version();
        const installation programs = find_installation(self.wanted.programs, made_by);
        self.major = programs.major;
        if (!made_by)
            self.make_data(programs, caller, user);
        self.port = self.wanted.tcp_port.value_or(socket_only_port);
        if (self.port == 0)
            self.port = free_port();
        self.socket_folder = self.folder->socket_folder(user, self.port);
        self.launch(programs, caller, user);
        self.wait_ready();
        observe::log(
            level::debug, "PostgreSQL is ready",
            {field("folder", self.root.native()), field("version", self.major), field("pid", self.process),
             field("user", user.name)});
    }
    catch (...) {
        try {
            stop();
        }
        catch (const error& problem) {
            observe::log(level::error, problem.what());
        }
        throw;
    }
}

void server::stop()
{
    state& self = *state_;
    // The folder is given up last, and even if the server has to be killed.
    const auto given_up = std::exchange(self.folder, std::nullopt);
    self.end();
    if (given_up)
        given_up->drop_socket_folder(self.socket_folder);
}

bool server::running()
{
    if (state_->process != 0 && wait_child(state_->process, clock::now()))
        state_->process = 0;
    return state_->process != 0;
}

pid_t server::pid() const noexcept
{
    return state_->process;
}

std::string server::dsn(std::string_view database) const
{
    return socket_dsn(superuser, database, state_->socket_folder, state_->port);
}

const fs::path& server::folder() const noexcept
{
    return state_->root;
}

const fs::path& server::socket_folder() const noexcept
{
    return state_->socket_folder;
}

std::uint16_t server::port() const noexcept
{
    return state_->port;
}

int server::major_version() const noexcept
{
    return state_->major;
}

} // namespace tradecore::embedded
