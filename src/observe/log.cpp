// SPDX-License-Identifier: Apache-2.0
#include <tradecore/observe/log.hpp>
#include <tradecore/observe/utf8.hpp>

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <mutex>
#include <utility>

namespace tradecore::observe {
namespace {

constexpr std::array<std::string_view, 7> level_names{"trace", "debug", "info", "warn", "error", "critical", "off"};
constexpr level default_level = level::info;

struct shared_state {
    std::mutex mutex;
    std::shared_ptr<const sink> current;
    spdlog::logger logger{"tradecore", std::make_shared<spdlog::sinks::stderr_sink_mt>()};

    shared_state()
    {
        logger.set_level(spdlog::level::trace); // ours is the threshold that counts
        logger.set_formatter(
            std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %v", spdlog::pattern_time_type::utc));
        logger.flush_on(spdlog::level::trace);
    }
};

// Leaked on purpose: destructors of other static objects may still log.
shared_state& state()
{
    static auto* const instance = new shared_state;
    return *instance;
}

int initial_threshold() noexcept
{
    const char* const wanted = std::getenv("TRADECORE_LOG");
    if (wanted == nullptr || *wanted == '\0')
        return static_cast<int>(default_level);
    if (const auto found = parse_level(wanted))
        return static_cast<int>(*found);
    try {
        state().logger.log(
            spdlog::level::warn,
            "warn TRADECORE_LOG={} is no log level (trace, debug, info, warn, error, critical, off); info is used",
            wanted);
    }
    catch (...) {
        // a log that cannot be written is no reason not to start
    }
    return static_cast<int>(default_level);
}

void append_escaped(std::string& out, std::string_view text, bool quoted)
{
    while (!text.empty()) {
        const auto length = utf8_length(text);
        const char c = text.front();
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\n')
            out += "\\n";
        else if (c == '\r')
            out += "\\r";
        else if (c == '\t')
            out += "\\t";
        else if (length == 0 || byte < 0x20 || byte == 0x7f)
            fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
        else if (quoted && (c == '"' || c == '\\'))
            out += {'\\', c};
        else
            out += text.substr(0, length);
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
}

bool needs_quotes(std::string_view text)
{
    const auto is_special = [](char c) {
        return static_cast<unsigned char>(c) <= 0x20 || c == '"' || c == '=' || c == '\\' || c == 0x7f;
    };
    return text.empty() || std::ranges::any_of(text, is_special) || valid_utf8(text) != text;
}

} // namespace

namespace detail {

std::atomic<int> lowest{initial_threshold()};

void write(level severity, std::string_view message, std::span<const field> fields) noexcept
{
    try {
        const record entry{severity, message, fields};
        std::shared_ptr<const sink> target;
        {
            const std::lock_guard guard{state().mutex};
            target = state().current;
        }
        if (target)
            (*target)(entry);
        else
            state().logger.log(static_cast<spdlog::level::level_enum>(severity), "{}", format_line(entry));
    }
    catch (...) {
        // logging never fails the work that logs
    }
}

} // namespace detail

std::string_view to_string(level value) noexcept
{
    return level_names[static_cast<std::size_t>(value)];
}

std::optional<level> parse_level(std::string_view name) noexcept
{
    const auto same = [name](std::string_view candidate) {
        return std::ranges::equal(
            name, candidate, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b; });
    };
    if (same("warning"))
        return level::warn;
    for (std::size_t i = 0; i < level_names.size(); ++i) {
        if (same(level_names[i]))
            return static_cast<level>(i);
    }
    return std::nullopt;
}

void set_threshold(level lowest) noexcept
{
    detail::lowest.store(static_cast<int>(lowest), std::memory_order_relaxed);
}

sink set_sink(sink next)
{
    std::shared_ptr<const sink> replacement;
    if (next)
        replacement = std::make_shared<const sink>(std::move(next));
    {
        const std::lock_guard guard{state().mutex};
        std::swap(state().current, replacement);
    }
    return replacement ? *replacement : sink{};
}

std::string format_line(const record& entry)
{
    std::string line{to_string(entry.severity)};
    line += ' ';
    append_escaped(line, entry.message, false);
    for (const field& one : entry.fields) {
        const std::string value = one.text();
        line += ' ';
        append_escaped(line, one.key(), false);
        line += '=';
        if (needs_quotes(value)) {
            line += '"';
            append_escaped(line, value, true);
            line += '"';
        }
        else {
            line += value;
        }
    }
    return line;
}

} // namespace tradecore::observe
