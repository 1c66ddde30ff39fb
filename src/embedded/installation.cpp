// SPDX-License-Identifier: Apache-2.0
#include "embedded/installation.hpp"

#include "embedded/process.hpp"

#include <tradecore/embedded/error.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string>
#include <unistd.h>

namespace tradecore::embedded {
namespace {

constexpr int oldest_supported = 13;

bool has_programs(const std::filesystem::path& folder)
{
    return ::access((folder / "postgres").c_str(), X_OK) == 0 && ::access((folder / "initdb").c_str(), X_OK) == 0;
}

std::optional<int> number(std::string_view text)
{
    int value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc{} || end != text.data() + text.size() || value <= 0)
        return std::nullopt;
    return value;
}

} // namespace

std::vector<installation> installations_below(const std::filesystem::path& root)
{
    std::vector<installation> found;
    std::error_code ignored; // a root that is not there has no installations
    for (const auto& entry : std::filesystem::directory_iterator{root, ignored}) {
        const auto major = number(entry.path().filename().string());
        if (major && *major >= oldest_supported && has_programs(entry.path() / "bin"))
            found.push_back({*major, entry.path() / "bin"});
    }
    std::ranges::sort(found, std::ranges::greater{}, &installation::major);
    return found;
}

std::optional<int> major_of(std::string_view answer)
{
    constexpr std::string_view mark = "(PostgreSQL) ";
    const auto at = answer.find(mark);
    if (at == std::string_view::npos)
        return std::nullopt;
    answer.remove_prefix(at + mark.size());
    return number(answer.substr(0, answer.find_first_not_of("0123456789")));
}

std::optional<std::filesystem::path> programs_in_path(std::string_view path)
{
    while (!path.empty()) {
        const std::string_view one = path.substr(0, path.find(':'));
        path.remove_prefix(std::min(path.size(), one.size() + 1));
        // A relative entry would run whatever lies in the current folder.
        if (one.starts_with('/') && has_programs(one))
            return std::filesystem::path{one};
    }
    return std::nullopt;
}

installation choose(const std::vector<installation>& installed, std::optional<int> wanted)
{
    if (installed.empty())
        throw error{fmt::format(
            "no PostgreSQL server is installed: neither /usr/lib/postgresql/*/bin nor PATH has postgres and initdb "
            "(Debian: apt-get install postgresql-{})",
            wanted.value_or(15))};
    if (!wanted)
        return *std::ranges::max_element(installed, {}, &installation::major);
    const auto same = std::ranges::find(installed, *wanted, &installation::major);
    if (same != installed.end())
        return *same;
    std::vector<int> majors;
    std::ranges::transform(installed, std::back_inserter(majors), &installation::major);
    throw error{fmt::format(
        "the data were made by PostgreSQL {0}, which is not installed (installed: {1}; Debian: apt-get install "
        "postgresql-{0})",
        *wanted, fmt::join(majors, ", "))};
}

installation find_installation(const std::filesystem::path& given, std::optional<int> wanted)
{
    const auto ask = [](const std::filesystem::path& programs) -> std::vector<installation> {
        command question;
        question.arguments = {(programs / "postgres").string(), "--version"};
        question.folder = "/";
        const auto major = major_of(output_of(question));
        if (!major)
            return {};
        return {{*major, programs}};
    };
    if (!given.empty()) {
        if (!has_programs(given))
            throw error{fmt::format("{} does not have the programs postgres and initdb", given.string())};
        return choose(ask(given), wanted);
    }
    auto installed = installations_below("/usr/lib/postgresql");
    if (installed.empty()) {
        const char* const path = std::getenv("PATH");
        if (const auto programs = programs_in_path(path == nullptr ? "" : path))
            installed = ask(*programs);
    }
    return choose(installed, wanted);
}

} // namespace tradecore::embedded
