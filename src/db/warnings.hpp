// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>

/// The lines of the log whose wording is fixed; scripts of operators search for them.
namespace tradecore::detail {

[[nodiscard]] std::string pool_exhaustion_line(std::string_view name, std::size_t active, std::size_t maximum);
[[nodiscard]] std::string
slow_acquire_line(std::string_view name, std::chrono::milliseconds took, std::chrono::milliseconds threshold);
[[nodiscard]] std::string
long_transaction_line(std::string_view name, std::chrono::milliseconds took, std::chrono::milliseconds threshold);
/// @param arguments as they shall appear; empty leaves their part out.
[[nodiscard]] std::string slow_query_line(
    std::string_view name, std::string_view verb, std::chrono::milliseconds took, std::string_view sql,
    std::string_view arguments);

/// A statement that ran `count` times in one transaction, for one row each time.
/// @param instead what to use.
[[nodiscard]] std::string statement_loop_line(
    std::string_view name, std::size_t count, std::chrono::milliseconds took, std::string_view sql,
    std::string_view instead);

/// A transaction whose COMMIT was not answered.
/// @param outcome what became of it.
[[nodiscard]] std::string lost_commit_line(std::string_view name, std::string_view outcome);

/// @returns `text`, or as much of it as `length` bytes hold without cutting a character, and "…"; as UTF-8, whatever
/// the
///          bytes are.
[[nodiscard]] std::string shorten(std::string_view text, std::size_t length);

/// @returns "file:line"; nothing when the place is not known.
[[nodiscard]] std::string place_of(const std::source_location& where);

/// Says when to warn of an exhausted pool: once each time that the share in use has risen above the threshold, but not
/// before a while has passed since the last warning, so that a pool that works at its limit does not fill the log.
class exhaustion_watch {
public:
    using time_point = std::chrono::steady_clock::time_point;

    /// @param threshold the share in use above which the pool is exhausted.
    explicit exhaustion_watch(double threshold) : threshold_(threshold) {}

    /// @returns whether to warn now.
    bool update(std::size_t active, std::size_t maximum, time_point now);

private:
    static constexpr std::chrono::seconds quiet{60};

    double threshold_;
    bool told_ = false; // of the present exhaustion
    std::optional<time_point> warned_at_;
};

} // namespace tradecore::detail
