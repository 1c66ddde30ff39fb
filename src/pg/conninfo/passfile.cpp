// SPDX-License-Identifier: Apache-2.0
#include "pg/conninfo/passfile.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace tradecore::pg::conninfo {

namespace {

class descriptor {
public:
    // Without blocking, or opening a pipe would wait for its other end.
    explicit descriptor(const std::string& path) : number_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    descriptor(descriptor&&) = delete;
    descriptor& operator=(descriptor&&) = delete;
    ~descriptor()
    {
        if (number_ >= 0)
            close(number_);
    }
    [[nodiscard]] int number() const noexcept { return number_; }

private:
    int number_;
};

std::optional<std::string> read_all(int from)
{
    std::string text;
    std::array<char, 4'096> piece{};
    for (;;) {
        const auto got = read(from, piece.data(), piece.size());
        if (got == 0)
            return text;
        if (got > 0)
            text.append(piece.data(), static_cast<std::size_t>(got));
        else if (errno != EINTR)
            return std::nullopt;
    }
}

// Takes a field and its colon off the line. A colon of the name itself needs no backslash, so that "::1" can be
// written.
bool take_field(std::string_view& line, std::string_view wanted)
{
    if (line.starts_with("*:")) {
        line.remove_prefix(2);
        return true;
    }
    std::size_t at = 0;
    for (const char c : wanted) {
        if (at < line.size() && line[at] == '\\')
            ++at;
        if (at >= line.size() || line[at] != c)
            return false;
        ++at;
    }
    if (at >= line.size() || line[at] != ':')
        return false;
    line.remove_prefix(at + 1);
    return true;
}

std::string read_password(std::string_view field)
{
    std::string password;
    for (std::size_t i = 0; i < field.size() && field[i] != ':'; ++i) {
        if (field[i] == '\\' && i + 1 < field.size())
            ++i;
        password += field[i];
    }
    return password;
}

// libpq's name for sockets in their usual place, whatever that place is.
std::string_view looked_up_name(const host_address& host)
{
    const std::string_view name = host.name();
    return name.empty() || name == "/var/run/postgresql" ? "localhost" : name;
}

} // namespace

std::optional<std::string>
find_password(std::string_view text, const host_address& host, std::string_view database, std::string_view user)
{
    const auto port = std::to_string(host.port);
    while (!text.empty()) {
        const auto end = text.find('\n');
        auto line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        while (line.ends_with('\r'))
            line.remove_suffix(1);
        if (!line.starts_with('#') && take_field(line, looked_up_name(host)) && take_field(line, port) &&
            take_field(line, database) && take_field(line, user))
            return read_password(line);
    }
    return std::nullopt;
}

passfile_answer look_up_password(const connect_options& options, const host_address& host)
{
    const auto& path = options.passfile;
    if (path.empty())
        return {};
    const auto ignored = [&path](const std::string& reason) {
        return passfile_answer{std::nullopt, "password file " + path + " is ignored: " + reason};
    };
    const descriptor file(path);
    if (file.number() < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return {};
        return ignored("it cannot be opened: " + std::system_category().message(errno));
    }
    // Of what is open, not of what the name stands for by now.
    struct stat facts{};
    if (fstat(file.number(), &facts) != 0)
        return ignored(std::system_category().message(errno));
    if (!S_ISREG(facts.st_mode))
        return ignored("it is not a plain file");
    if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return ignored("its group or others may use it; its permissions must be u=rw (0600) or less");
    const auto text = read_all(file.number());
    if (!text)
        return ignored("it cannot be read: " + std::system_category().message(errno));
    const auto& database = options.database.empty() ? options.user : options.database;
    return {find_password(*text, host, database, options.user), {}};
}

} // namespace tradecore::pg::conninfo
