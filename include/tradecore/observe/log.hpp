// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tradecore/observe/field.hpp>

#include <atomic>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tradecore::observe {

enum class level : int { trace, debug, info, warn, error, critical, off };

/// What: the level's name, as `TRADECORE_LOG` takes it.
[[nodiscard]] std::string_view to_string(level value) noexcept;

/// What: the level of a name (`trace`, `debug`, `info`, `warn` or `warning`, `error`, `critical`, `off`), in any case.
/// Returns: nothing when there is no such level.
[[nodiscard]] std::optional<level> parse_level(std::string_view name) noexcept;

/// What a sink is given; all of it is valid only during the call.
struct record {
    level severity;
    std::string_view message;
    std::span<const field> fields;
};

/// Takes records. It may be called by several threads at once and must not log itself.
using sink = std::function<void(const record&)>;

/// What: the lowest level that is written. At start it is what the environment variable `TRADECORE_LOG` says, or
/// `info`. Thread safety: any thread, any time.
[[nodiscard]] level threshold() noexcept;
void set_threshold(level lowest) noexcept;

/// What: whether a message of this level goes anywhere; ask it before building an expensive message.
[[nodiscard]] inline bool enabled(level severity) noexcept
{
    return severity >= threshold() && severity != level::off;
}

namespace detail {
void write(level severity, std::string_view message, std::span<const field> fields) noexcept;
extern std::atomic<int> lowest;
} // namespace detail

/// What: writes one message with its fields: by default as a line on standard error,
/// `2026-01-31T23:59:59.123Z warn <message> key=value key="a value"`.
///
/// Parameters: the message is given to the sink byte for byte; in the line on standard error control characters are
/// escaped, so that one message is one line.
/// Errors: none; what cannot be written is lost.
/// Cancellation: does not suspend. Thread safety: any thread.
inline void log(level severity, std::string_view message, std::initializer_list<field> fields = {}) noexcept
{
    if (enabled(severity)) [[unlikely]]
        detail::write(severity, message, std::span{fields.begin(), fields.size()});
}

/// What: replaces where records go; an empty sink means standard error again.
/// Returns: the sink that was there. Thread safety: any thread; a call under way may still use the old sink.
sink set_sink(sink next);

/// What: the line standard error gets for a record, without time stamp and newline.
[[nodiscard]] std::string format_line(const record& entry);

} // namespace tradecore::observe

inline tradecore::observe::level tradecore::observe::threshold() noexcept
{
    return static_cast<level>(detail::lowest.load(std::memory_order_relaxed));
}
