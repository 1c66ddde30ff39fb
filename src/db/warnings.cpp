// SPDX-License-Identifier: Apache-2.0
#include "db/warnings.hpp"

#include <tradecore/observe/utf8.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tradecore::detail {

std::string pool_exhaustion_line(std::string_view name, std::size_t active, std::size_t maximum)
{
    const auto usage = std::lround(100.0 * static_cast<double>(active) / static_cast<double>(maximum));
    return fmt::format(
        "[POOL EXHAUSTION] {} pool at {}/{} active connections ({}% usage, {} free)", name, active, maximum, usage,
        maximum - active);
}

std::string
slow_acquire_line(std::string_view name, std::chrono::milliseconds took, std::chrono::milliseconds threshold)
{
    return fmt::format("[SLOW ACQUIRE] {} acquire took {}ms (threshold: {}ms)", name, took.count(), threshold.count());
}

std::string
long_transaction_line(std::string_view name, std::chrono::milliseconds took, std::chrono::milliseconds threshold)
{
    return fmt::format(
        "[LONG TRANSACTION] {} transaction took {}ms (threshold: {}ms)", name, took.count(), threshold.count());
}

std::string slow_query_line(
    std::string_view name, std::string_view verb, std::chrono::milliseconds took, std::string_view sql,
    std::string_view arguments)
{
    auto line = fmt::format("[SLOW QUERY] {} {} took {}ms: {}", name, verb, took.count(), sql);
    if (!arguments.empty()) {
        line += " | args: ";
        line += arguments;
    }
    return line;
}

std::string statement_loop_line(
    std::string_view name, std::size_t count, std::chrono::milliseconds took, std::string_view sql,
    std::string_view instead)
{
    return fmt::format(
        "[STATEMENT LOOP] {} transaction ran one statement {} times for one row each ({}ms in all), use {}: {}", name,
        count, took.count(), instead, sql);
}

std::string lost_commit_line(std::string_view name, std::string_view outcome)
{
    return fmt::format("[LOST COMMIT] {} transaction {}", name, outcome);
}

std::string shorten(std::string_view text, std::size_t length)
{
    std::size_t end = 0;
    while (end < text.size()) {
        const auto next = std::max<std::size_t>(observe::utf8_length(text.substr(end)), 1);
        if (end + next > length)
            return observe::valid_utf8(text.substr(0, end)) + "…";
        end += next;
    }
    return observe::valid_utf8(text);
}

std::string place_of(const std::source_location& where)
{
    return where.line() == 0 ? std::string() : fmt::format("{}:{}", where.file_name(), where.line());
}

bool exhaustion_watch::update(std::size_t active, std::size_t maximum, time_point now)
{
    const bool exhausted = static_cast<double>(active) > threshold_ * static_cast<double>(maximum);
    if (!exhausted)
        told_ = false;
    if (!exhausted || told_ || (warned_at_ && now - *warned_at_ < quiet))
        return false;
    told_ = true;
    warned_at_ = now;
    return true;
}

} // namespace tradecore::detail
