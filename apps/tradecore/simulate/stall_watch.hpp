// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>

namespace tradecore::app::simulate {

/// What: nothing has moved for too long; `what()` says for how long.
class stalled : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What: ends a run that does not come to its end.
/// Thread safety: none. Lifetimes: outlives `run`.
class stall_watch {
public:
    struct parts {
        std::function<std::uint64_t()> moved; ///< changes as long as something is done
        std::function<void()> check;          ///< throws when there is no use in waiting on
        std::chrono::milliseconds limit{90'000};
        std::chrono::milliseconds look_every{200};
    };

    explicit stall_watch(parts with) : with_(std::move(with)) {}

    /// What: looks again and again until `stop`. Errors: stalled; what `check` throws.
    [[nodiscard]] boost::asio::awaitable<void> run();
    void stop() noexcept;

private:
    parts with_;
    std::optional<boost::asio::steady_timer> pause_;
    bool stopping_ = false;
};

} // namespace tradecore::app::simulate
